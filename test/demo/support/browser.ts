import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

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

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), headless: true, args: FLAGS })
}

function chromiumPath(): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const onPath = ['chromium', 'google-chrome'].flatMap((name) => folders.map((folder) => join(folder, name)))
  const path = [process.env.CHROMIUM_PATH ?? '', '/usr/bin/chromium', ...onPath].find((file) =>
    existsSync(file)
  )
  if (path === undefined) throw new Error('No Chromium found: install it, or set CHROMIUM_PATH')
  return path
}

/**
 * One visitor with a profile of its own looks at `url`; a failure leaves a screenshot. Fails, too, if the browser had
 * anything to complain about: a script error, something that the Content-Security-Policy refused, a console error, a
 * request to another origin.
 */
export async function visit(
  browser: Browser,
  url: string,
  look: (page: Page, complaints: string[]) => Promise<void>,
  options: BrowserContextOptions = {}
): Promise<void> {
  const context = await browser.newContext({ locale: 'zh-CN', ...options })
  const complaints: string[] = []
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('pageerror', (error) => complaints.push(`script: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin)
        complaints.push(`elsewhere: ${request.url()}`)
    })
    try {
      await page.goto(url)
      await look(page, complaints)
      expect(complaints).toEqual([])
    } catch (error) {
      mkdirSync(SCREENSHOTS, { recursive: true })
      const name = (expect.getState().currentTestName ?? 'page').replace(/[^\p{L}\p{N}]+/gu, '-')
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true })
      throw error
    }
  } finally {
    await context.close()
  }
}
