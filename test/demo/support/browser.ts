import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { atEnd } from '../../support/serve'

const SCREENSHOTS = resolve(__dirname, '../../../.tmp/screenshots')

/** Nothing that a test does not need: no sandbox (containers have none), no graphics card, no calls home. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

let browser: Browser

beforeAll(async () => {
  const options = { executablePath: chromiumPath(), headless: true, args: FLAGS }
  browser = atEnd(await chromium.launch(options), (it) => it.close())
})

/** The same programs as in scripts/suite.mjs: the first one draws no windows, and takes a third of the time. */
const NAMES = ['chromium-headless-shell', 'chromium', 'google-chrome']

function chromiumPath(): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  const path = [process.env.CHROMIUM_PATH ?? '', ...onPath].find((file) => existsSync(file))
  if (path === undefined) throw new Error('No Chromium found: install it, or set CHROMIUM_PATH')
  return path
}

/** Pages whose visit is over, by the options of their context: each new one takes the processor for seconds. */
const left = new Map<string, Page[]>()

/**
 * One visitor with a profile of its own looks at `url`; a failure leaves a screenshot. Fails, too, if the browser had
 * anything to complain about: a script error, something that the Content-Security-Policy refused, a console error, a
 * request to another origin.
 */
export async function visit(
  url: string,
  options: BrowserContextOptions,
  look: (page: Page, complaints: string[]) => Promise<void>
): Promise<void> {
  const key = JSON.stringify(options)
  const page = left.get(key)?.pop() ?? (await open(options))
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`elsewhere: ${request.url()}`)
  })
  try {
    await page.goto(url)
    await look(page, complaints)
    expect(complaints).toEqual([])
  } catch (error) {
    mkdirSync(SCREENSHOTS, { recursive: true })
    const name = (expect.getState().currentTestName ?? 'page').replace(/[^\p{L}\p{N}]+/gu, '-')
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
    await page.context().close()
    throw error
  }
  page.removeAllListeners()
  await forget(page, new URL(url).origin)
  left.set(key, [...(left.get(key) ?? []), page])
}

async function open(options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ locale: 'zh-CN', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  return page
}

/** Leaves a site, and forgets all that it kept: cookies and storage. */
async function forget(page: Page, origin: string): Promise<void> {
  await page.goto('about:blank')
  const session = await page.context().newCDPSession(page)
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' })
  await session.detach()
  await page.context().clearCookies()
}
