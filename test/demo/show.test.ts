import type { BrowserContextOptions, Page } from 'playwright-core'
import { source } from 'axe-core'
import { MemoryStore } from '../../lib/index'
import { visit } from './support/browser'
import { type Served, startDemo } from './support/demo'
import { isLong } from '../support/long'

jest.setTimeout(240_000)

let demo: Served

beforeAll(async () => {
  demo = await startDemo({ store: new MemoryStore(), storeName: '内存 / memory', longestFreeze: 240_000 })
})

afterEach(() => jest.restoreAllMocks())

const english = { locale: 'en-US' }
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const pane = (page: Page, name: string) =>
  page.getByRole('article').filter({ has: page.getByRole('heading', { name }) })
const first = 'This page'
const second = 'A second browser, its own cookie'

async function logInBoth(page: Page): Promise<void> {
  for (const name of [first, second]) {
    await pane(page, name).getByRole('button', { name: 'Log in as Ann' }).click()
    await pane(page, name).getByText('Ann', { exact: true }).waitFor()
  }
}

/** Freezes the store and waits until the page has seen a 503 that came at once. */
async function freeze(page: Page): Promise<void> {
  await press(page, 'Freeze')
  await page.getByText('The store does not answer').waitFor()
  await page.getByText('store unavailable').waitFor()
}

/** What a visitor without eyes or without a mouse would stumble over. */
async function findings(page: Page): Promise<unknown> {
  if (await page.evaluate("typeof axe === 'undefined'")) await page.evaluate(source)
  // A button that fades in has too little contrast for a moment.
  await page.evaluate(
    'Promise.allSettled(document.getAnimations().map(({ finished }) => finished)).then(() => null)'
  )
  return page.evaluate(
    `axe.run({ resultTypes: ['violations'], selectors: false }).then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`
  )
}

it('runs the race: fewer than eight are kept, and eight of eight', async () => {
  await visit(demo.url, { ...english, reducedMotion: 'reduce' }, async (page) => {
    const score = (name: string) => pane(page, name).locator('.score')
    for (let rounds = 0; rounds < 5; rounds++) {
      await press(page, 'Run the race')
      await page.locator('#race-result', { hasText: /kept \d of them. Holdfast kept 8\.$/ }).waitFor()
      if ((await score('express-session').textContent()) !== '8 of 8 kept') break
    }
    expect(await score('express-session').textContent()).toMatch(/^[1-7] of 8 kept$/)
    expect(await score('Holdfast').textContent()).toBe('8 of 8 kept')
    expect(await pane(page, 'express-session').getByText('200', { exact: true }).count()).toBe(8)
    expect(await pane(page, 'Holdfast').locator('.cells .kept').count()).toBe(8)

    await press(page, 'Log out while a write runs')
    await page.locator('#race-result', { hasText: 'Holdfast refused it with 409' }).waitFor()
    expect(await score('express-session').textContent()).toBe('logged in again')
    expect(await score('Holdfast').textContent()).toBe('logged out')
  })
})

it('lights the stations that a request passes, and no others', async () => {
  await visit(demo.url, english, async (page) => {
    const lit = () =>
      page.evaluate("[...document.querySelectorAll('#stations .lit')].map(({ dataset }) => dataset.station)")
    await page.locator('html:has(#state[data-state=anonymous])').waitFor()
    await press(page, 'Who am I?')
    await page.locator('#path-request', { hasText: 'GET /users/getUser200' }).waitFor()
    await page.getByText('This request did not ask the store.').waitFor()
    expect(await lit()).toEqual(['browser', 'signature', 'handler', 'released'])
    await press(page, 'Count')
    await page.locator('#path-request', { hasText: 'GET /count200' }).waitFor()
    await press(page, 'Count')
    await page.locator('#stations [data-station=load].lit').waitFor()
    expect(await lit()).toEqual(['browser', 'signature', 'load', 'handler', 'held', 'commit', 'released'])
    await page.locator('#timeline code', { hasText: 'set' }).waitFor()
  })
})

it('shows at once that one browser threw the other out, this page included', async () => {
  await visit(demo.url, english, async (page) => {
    await logInBoth(page)
    await pane(page, first).getByRole('button', { name: 'Throw the other out' }).click()
    await pane(page, second).getByText('Thrown out by the other browser').waitFor()
    await pane(page, second)
      .getByText(/^knew it [\d.]+ ms after the click$/)
      .waitFor()
    await pane(page, second).getByRole('button', { name: 'Log in as Ann' }).click()
    await pane(page, second).getByText('Ann', { exact: true }).waitFor()
    await pane(page, second).getByRole('button', { name: 'Throw the other out' }).click()
    await pane(page, first).getByText('Thrown out by the other browser').waitFor()
    await page.getByText('logged out elsewhere', { exact: true }).waitFor()
    await page.getByText('Another browser has just ended this session.').waitFor()
  })
})

/** The server writes down each failure of the store: here there are many. */
const muted = () => jest.spyOn(console, 'error').mockImplementation(() => undefined)

it('shows the store frozen, 503 at once, and well again', async () => {
  muted()
  await visit(demo.url, english, async (page, complaints) => {
    await freeze(page)
    await press(page, 'Thaw')
    await page.getByText(/^A 200 again, [\d.]+ ms after the thaw\.$/).waitFor()
    await page.locator('#state', { hasText: 'anonymous' }).waitFor()
    // Chromium reports each 503 on its console; nothing else may be there.
    expect(complaints.splice(0).filter((text) => !text.includes('503 (Service Unavailable)'))).toEqual([])
  })
})

it('takes the cookie apart without giving it away', async () => {
  await visit(demo.url, english, async (page) => {
    await press(page, 'Count')
    await page.getByText('not bound to a device').waitFor()
    const value = (await page.context().cookies()).find(({ name }) => name === 'sid')!.value
    const [id, signature] = decodeURIComponent(value).slice('s:'.length).split('.') as [string, string]
    const line = await page.locator('#cookie-line').textContent()
    expect(line).toBe(`sid=s:${id.slice(0, 4)}….${signature.slice(0, 4)}…; Path=/`)
    await page.getByText(`${id.length} random characters`).waitFor()
    expect(await page.content()).not.toContain(id)
  })
})

it('speaks the language that the browser prefers, until one is chosen', async () => {
  await visit(demo.url, {}, async (page) => {
    await page.getByRole('heading', { name: '您的会话' }).waitFor()
    await page.getByRole('link', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Your session' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    await page.getByText('anonymous', { exact: true }).waitFor()
    const shown = (await page.locator('body').innerText()).replace('中文', '')
    expect(shown).not.toMatch(/\p{Script=Han}/u)
  })
  await visit(demo.url, { locale: 'fr-FR' }, (page) =>
    page.getByRole('heading', { name: 'Your session' }).waitFor()
  )
})

it('puts the session first on a phone', async () => {
  await visit(demo.url, { ...english, ...phone }, async (page) => {
    const top = async (id: string) => (await page.locator(`#${id}`).boundingBox())!.y
    expect(await top('panel')).toBeLessThan(await top('race-title'))
    expect(await top('panel')).toBeLessThan(300)
  })
})

const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
/** `npm run test:long` takes one after the other. */
const looks: [string, BrowserContextOptions][] = isLong
  ? [
      ['on a desktop', {}],
      ['in the dark', { colorScheme: 'dark' }],
      ['in Chinese', { locale: 'zh-CN' }],
      ['on a phone', phone]
    ]
  : [
      ['on a desktop', {}],
      ['in the dark, in Chinese, on a phone', { colorScheme: 'dark', locale: 'zh-CN', ...phone }]
    ]

it.each(looks)('has nothing for axe to find %s', async (_title, options) => {
  await visit(demo.url, { ...english, reducedMotion: 'reduce', ...options }, async (page) => {
    await page.locator('#state[data-state=anonymous]').waitFor()
    expect(await findings(page)).toEqual([])
    await page.locator('#count').click()
    await page.locator('.browser .enter').first().click()
    await page.locator('.browser.in').waitFor()
    await page.locator('.browser .enter').last().click()
    await page.locator('.browser.in').nth(1).waitFor()
    await page.locator('#race-keys').click()
    await page.locator('#race-result:not(:empty)').waitFor()
    await page.locator('#race-keys:enabled').waitFor()
    expect(await findings(page)).toEqual([])
    await page.locator('.browser .throw').last().click()
    await page.locator('#state[data-state=elsewhere]').waitFor()
    expect(await findings(page)).toEqual([])
  })
})

it('has nothing for axe to find while the store is frozen', async () => {
  muted()
  await visit(demo.url, { ...english, reducedMotion: 'reduce' }, async (page, complaints) => {
    await freeze(page)
    expect(await findings(page)).toEqual([])
    await press(page, 'Thaw')
    await page.locator('#state[data-state=anonymous]').waitFor()
    complaints.splice(0)
  })
})
