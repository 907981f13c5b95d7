import { openRedis } from '../support/redis'
import { idIn } from '../support/browser'
import type { Visitor } from '../support/site'
import { AppProcess } from '../support/app-process'
import { begin, held } from './support/visit'

/** How a session gets another id, by three store commands each, and what is kept then. */
const MOVES: [string, string, Record<string, unknown>][] = [
  ['regenerate', '', {}],
  ['regenerate with a list', 'cart', { cart: ['book'] }],
  ['regenerate with everything', 'all', { user: 'test', cart: ['book'] }]
]
const DATA = { user: 'test', cart: ['book'] }

const redis = openRedis()

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

/** Somebody whose regenerate has stopped behind one of its store commands. */
interface Cut {
  readonly name: string
  readonly query: string
  readonly command: number
  /** What the new session holds. */
  readonly fresh: Record<string, unknown>
  visitor: Visitor
}

const cutAfter = (...commands: number[]) =>
  MOVES.flatMap(([move, keep, kept]) =>
    commands.map((command): Cut => {
      const name = `${move}, after command ${command}`
      const query = new URLSearchParams({ keep, user: name }).toString()
      return { name, query, command, fresh: { ...kept, user: name }, visitor: undefined! }
    })
  )

const start = () => AppProcess.start('races/child/main', { REDIS_URL: redis.url, TIMEOUT: '120000' })

/** Kills a process in which each of these has come to its command. `meanwhile` happens before it dies. */
async function kill(cuts: readonly Cut[], meanwhile?: (visitor: Visitor) => unknown): Promise<void> {
  const child = await start()
  const answers = []
  for (const cut of cuts) {
    cut.visitor = (await begin(redis.store, DATA)).visitor
    const path = `/regenerate?${cut.query}&halt=${cut.command}`
    answers.push(child.post(path, cut.visitor.cookie).catch(() => 'broken'))
    await child.says()
    await meanwhile?.(cut.visitor)
  }
  expect(await child.kill()).toBe('SIGKILL')
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['broken']))
}

describe('a process is killed in the middle of', () => {
  const cuts = cutAfter(1, 2, 3)
  beforeAll(() => kill(cuts))

  test('all of them: no session is there that is nobody’s', async () => {
    for (const [id, { user }] of await sessions()) {
      expect(cuts.some(({ name, visitor }) => name === user || visitor.id === id)).toBe(true)
    }
  })

  test.each(cuts)(
    '$name: a session too many at most, none too few, and none brought back',
    async ({ name, fresh, visitor }) => {
      const old = visitor.id
      const left = await sessions()
      const made = [...left.values()].filter(({ user }) => user === name)
      if (left.has(old)) expect(left.get(old)).toEqual(DATA)
      if (!left.has(old) || made.length > 0) expect(made).toEqual([fresh])
      expect(await held(visitor)).toEqual(left.get(old) ?? {})

      // A logout that comes after it is one: with this cookie nobody is logged in again.
      await visitor.clone().ask((session) => session.destroy())
      expect(await held(visitor)).toEqual({})
      expect((await sessions()).has(old)).toBe(false)
    }
  )
})

describe('after a kill another attempt works, of', () => {
  const cuts = cutAfter(2)
  let child: AppProcess
  beforeAll(async () => {
    await kill(cuts)
    child = await start()
  })

  test.each(cuts)('$name', async ({ query, fresh, visitor }) => {
    const answer = await child.post(`/regenerate?${query}`, visitor.cookie)
    const id = idIn(/^sid=([^;]*)/.exec(answer.setCookies[0]!)![1]!)
    expect((await sessions()).get(id)).toEqual(fresh)
  })
})

describe('a logout stays one, though a process is killed in the middle of', () => {
  const cuts = cutAfter(1, 2)
  beforeAll(() => kill(cuts, (visitor) => visitor.clone().ask((session) => session.destroy())))

  test.each(cuts)('$name', async ({ visitor }) => {
    expect(await held(visitor)).toEqual({})
    expect((await sessions()).has(visitor.id)).toBe(false)
  })
})
