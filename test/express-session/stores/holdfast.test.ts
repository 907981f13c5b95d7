import ours from '../../../lib/express-session'
import { MemoryStore as TextMemory } from '../../../lib'
import { RedisStore } from '../../../lib/redis'
import { openRedis } from '../../support/redis'
import { Browser } from '../../support/browser'
import { Gates } from '../support/gates'
import type { AnyStore } from '../support/implementations'
import { application } from './application'

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

  beforeEach(async () => {
    gates = new Gates()
    const [first, second] = make().map((store) => application(ours, store, gates))
    browser = await Browser.open(first!)
    other = await Browser.open(second!)
    await browser.post('/set', { user: 'ann' })
    other.cookies.set('connect.sid', browser.cookie)
  })

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
})
