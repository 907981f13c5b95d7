import { openRedis } from '../support/redis'
import { idIn } from '../support/browser'
import type { Visitor } from '../support/site'
import { AppProcess } from '../support/app-process'
import { begin, held } from './support/visit'

/** A process is killed around each store command of a regenerate. */
const CASES: [string, string, number, Record<string, unknown>][] = [
  ['regenerate', '', 3, {}],
  ['regenerate with a list', 'cart', 3, { cart: ['book'] }],
  ['regenerate with everything', 'all', 3, { user: 'test', cart: ['book'] }]
]
const DATA = { user: 'test', cart: ['book'] }

const redis = openRedis()
afterEach(() => redis.client.flushdb())

/** Every session that is in the store, by its id; marks of moved ones are none. */
async function sessions(): Promise<Map<string, Record<string, unknown>>> {
  const found = new Map<string, Record<string, unknown>>()
  for (const key of await redis.client.keys('SESSION:*')) {
    // -1: it would live for ever. The mark of a moved one may go at any moment.
    expect(await redis.client.pttl(key)).not.toBe(-1)
    const text = await redis.client.get(key)
    if (text === null) continue
    const { '@': meta, ...data } = JSON.parse(text)
    if (!meta.moved) found.set(key.slice('SESSION:'.length), data)
  }
  return found
}

const start = (env: Record<string, string> = {}) =>
  AppProcess.start('races/child/main', { REDIS_URL: redis.url, ...env })

async function killAt(command: number, keep: string, visitor: Visitor): Promise<void> {
  const child = await start({ KILL_AFTER: String(command) })
  await child.post(`/regenerate?keep=${keep}`, visitor.cookie).catch(() => undefined)
  expect(await child.ended).toBe('SIGKILL')
}

describe.each(CASES)('%s, killed', (_name, keep, commands, kept) => {
  test.each(Array.from({ length: commands }, (_, i) => i + 1))(
    'after command %i: a session too many at most, none too few, and none brought back',
    async (command) => {
      const { visitor } = await begin(redis.store, DATA)
      const old = visitor.id
      await killAt(command, keep, visitor)

      const left = await sessions()
      const fresh = [...left].filter(([id]) => id !== old).map(([, data]) => data)
      expect(left.size === 1 || left.size === 2).toBe(true)
      if (left.has(old)) expect(left.get(old)).toEqual(DATA)
      if (!left.has(old) || fresh.length > 0) expect(fresh).toEqual([{ ...kept, user: 'new' }])
      expect(await held(visitor)).toEqual(left.get(old) ?? {})

      // A logout that comes after it is one: with this cookie nobody is logged in again.
      await visitor.clone().ask((session) => session.destroy())
      expect(await held(visitor)).toEqual({})
      expect((await sessions()).has(old)).toBe(false)
    }
  )

  test('never: another attempt after a kill works', async () => {
    const { visitor } = await begin(redis.store, DATA)
    await killAt(2, keep, visitor)
    const child = await start()
    const answer = await child.post(`/regenerate?keep=${keep}`, visitor.cookie)
    const fresh = idIn(/^sid=([^;]*)/.exec(answer.setCookies[0]!)![1]!)
    expect((await sessions()).get(fresh)).toEqual({ ...kept, user: 'new' })
  })
})

describe.each(CASES)('%s, logged out in the middle, then killed', (_name, keep, commands) => {
  test.each(Array.from({ length: commands - 1 }, (_, i) => i + 1))(
    'after command %i: the logout stays one',
    async (command) => {
      const { visitor } = await begin(redis.store, DATA)
      const child = await start({ HALT_AFTER: String(command) })
      const answer = child.post(`/regenerate?keep=${keep}`, visitor.cookie).catch(() => undefined)
      await child.says()
      await visitor.clone().ask((session) => session.destroy())
      expect(await child.kill()).toBe('SIGKILL')
      expect(await answer).toBeUndefined()
      expect(await held(visitor)).toEqual({})
      expect((await sessions()).has(visitor.id)).toBe(false)
    }
  )
})
