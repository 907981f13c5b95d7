import ours from '../../../lib/express-session'
import { MemoryStore as TextMemory } from '../../../lib'
import { RedisStore } from '../../../lib/redis'
import { openRedis } from '../../support/redis'
import { Browser, type Page } from '../../support/browser'
import { kept, type StoreLike } from '../support/both'
import { Gates } from '../support/gates'
import type { AnyStore } from '../support/implementations'
import { application, LIFE } from './application'

const redis = openRedis({ nodeRedis: true })

/** What two processes have in common, or two applications of one process. */
const stores = {
  "Holdfast's RedisStore": () => [0, 1].map(() => new RedisStore(redis.nodeRedis, { prefix: 'sess:' })),
  "Holdfast's MemoryStore": () => Array<AnyStore>(2).fill(new TextMemory()),
  "the drop-in's MemoryStore": () => Array<AnyStore>(2).fill(new ours.MemoryStore())
}

describe.each(Object.entries(stores))('the drop-in with %s', (_, make) => {
  let gates: Gates
  let browser: Browser
  let other: Browser
  let store: AnyStore

  beforeEach(() => open())

  async function open(options = {}): Promise<void> {
    gates = new Gates()
    const shared = make()
    store = shared[0]!
    const [first, second] = shared.map((one) => application(ours, one, gates, options))
    browser = await Browser.open(first!)
    other = await Browser.open(second!)
    await browser.post('/set', { user: 'ann' })
    other.cookie = browser.cookie
  }

  /** Requests that have all read the session before the first of them writes. */
  async function together(names: string[], between?: () => Promise<unknown>): Promise<number[]> {
    const waiting = names.map((name, i) => {
      const { gate, headers } = gates.close()
      return { gate, page: (i % 2 ? browser : other).post('/set', { [name]: name }, headers) }
    })
    await Promise.all(waiting.map(({ gate }) => gate.reached))
    await between?.()
    for (const { gate } of waiting) gate.go()
    return (await Promise.all(waiting.map(({ page }) => page))).map(({ status }) => status)
  }

  test('all changes of different keys by requests at once survive', async () => {
    const names = [...'abcdefgh']
    expect(await together(names)).toEqual(names.map(() => 200))
    const all = Object.fromEntries(names.map((name) => [name, name]))
    expect(await browser.json('/')).toEqual({ user: 'ann', ...all })
  })

  test('a logout stays a logout, and who wrote too late hears of it', async () => {
    const copy = browser.clone()
    expect(await together([...'abcd'], () => copy.post('/destroy'))).toEqual([409, 409, 409, 409])
    expect(await browser.json('/')).toEqual({})
  })

  test('an id from before regenerate is not brought back', async () => {
    const copy = browser.clone()
    expect(await together([...'ab'], () => copy.post('/regenerate'))).toEqual([409, 409])
    expect(await browser.json('/')).toEqual({})
    expect(await copy.json('/')).toEqual({ fresh: true })
  })

  /** How long the session is going to live, in milliseconds. */
  async function life(): Promise<number> {
    if ('contract' in store) return (await store.life!(browser.id))!
    const stored = await kept(store as unknown as StoreLike, browser.id)
    return new Date(stored!.cookie.expires!).getTime() - Date.now()
  }

  describe.each([
    ['a longer', 10 * LIFE],
    ['a shorter', LIFE / 2]
  ])('%s life that a request chose', (_, ms) => {
    /** Another request, which read the session before. */
    async function beside(send: (headers: Record<string, string>) => Promise<Page>): Promise<Page> {
      const { gate, headers } = gates.close()
      const page = send(headers)
      await gate.reached
      await other.post('/life', { ms: String(ms) })
      gate.go()
      return page
    }

    async function expectChosen(): Promise<void> {
      expect(await life()).toBeLessThanOrEqual(ms)
      expect(await life()).toBeGreaterThan(ms - LIFE / 2)
    }

    test('is not undone by one that only reads', async () => {
      await beside((headers) => browser.get('/', headers))
      await expectChosen()
    })

    test('is what the cookie of one that only reads says, with rolling', async () => {
      await open({ rolling: true })
      const page = await beside((headers) => browser.get('/', headers))
      await expectChosen()
      const end = /Expires=([^;]+)/.exec(page.setCookies[0]!)![1]!
      expect(Math.abs(Date.parse(end) - Date.now() - ms)).toBeLessThan(LIFE / 4)
    })

    test('is not undone by one that saves, and changes something else afterwards', async () => {
      await beside((headers) => browser.post('/save', { early: 'yes' }, headers))
      await expectChosen()
      expect(await browser.json('/')).toEqual({ user: 'ann', early: 'yes', saved: true })
      await expectChosen()
    })

    test('gives way to the choice of a later one', async () => {
      await beside((headers) => browser.post('/life', { ms: String(LIFE / 4) }, headers))
      expect(await life()).toBeLessThanOrEqual(LIFE / 4)
    })
  })
})
