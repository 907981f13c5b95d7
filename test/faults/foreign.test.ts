import { listen } from '../support/events'
import { eventually } from './support/eventually'
import { REQUESTS, Rig } from './support/rig'
import type { Witness } from './support/witness'
import { monitor } from '../support/monitor'

/** What may lie under the key of a session although no session looks like it, and why it is none. */
const texts: [what: string, text: string | Buffer, reason: string][] = [
  ['not JSON', 'hello', 'not JSON'],
  ['half a session', '{"user":"somebody","@":{"v":1', 'not JSON'],
  ['nothing', '', 'not JSON'],
  ['bytes that are no text', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'not JSON'],
  ['null', 'null', 'not an object'],
  ['an array', '[{"user":"somebody"}]', 'not an object'],
  ['a number', '1e999', 'not an object'],
  ['nested too deep', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'nested deeper than limits.depth'],
  ['too large', JSON.stringify({ a: 'x'.repeat(2 ** 20) }), 'larger than limits.bytes'],
  [
    'of a later version',
    '{"user":"somebody","@":{"v":2}}',
    'written in a form that this version does not know'
  ]
]

let rig: Rig

beforeAll(async () => (rig = await Rig.open({ visitors: 0, options: { timeout: 60_000 } })))
beforeEach(() => rig.app.errors.splice(0))

describe.each(texts)('%s', (_, text, reason) => {
  const put = ({ id }: Witness) => rig.redis((redis) => redis.set(`SESSION:${id}`, text))
  const get = (id: string) => rig.redis((redis) => redis.getBuffer(`SESSION:${id}`))

  test('is nobody’s session: anonymous, one message, a new id at the next write, no second attempt', async () => {
    for (let i = 0; i < REQUESTS / texts.length / 3; i++) {
      const visitor = await rig.newVisitor()
      const { id } = visitor
      await put(visitor)
      const heard = listen()
      const reads = await commandsAbout(id, () => visitor.ask('/read'))
      expect(reads.outcome).toMatchObject({ status: 200, answer: { text: '{}', setCookies: [] } })
      expect(reads.commands).toBe(1)
      expect(heard['holdfast:corrupt']).toEqual([{ reason }])

      const writes = await commandsAbout(id, () => visitor.ask('/mark/mine'))
      expect(writes.outcome.status).toBe(200)
      expect(writes.commands).toBe(1)
      expect(heard['holdfast:corrupt']).toHaveLength(2)
      expect(visitor.id).not.toBe(id)
      expect((await visitor.ask('/read')).answer?.text).toBe('{"mine":true}')
      expect((await get(id))?.equals(Buffer.from(text))).toBe(true)
      expect(rig.app.errors).toEqual([])
    }
  })

  test('takes a session’s place while a request runs: the session is gone', async () => {
    const visitor = await rig.newVisitor()
    const marking = visitor.ask('/wait/mark/mine')
    await eventually(() => rig.app.waiting > 0)
    await put(visitor)
    rig.app.letGo()
    expect((await marking).status).toBe(409)
    expect((await get(visitor.id))?.equals(Buffer.from(text))).toBe(true)
  })
})

describe('a key that holds a list (WRONGTYPE)', () => {
  test('stays what it is, whatever is asked', async () => {
    for (let i = 0; i < REQUESTS / 10; i++) {
      const visitor = await rig.newVisitor()
      const { id, cookie } = visitor
      await rig.redis(async (redis) => {
        await redis.del(`SESSION:${id}`)
        await redis.lpush(`SESSION:${id}`, 'not ours')
      })
      const heard = listen()
      for (const path of ['/read', '/mark/mine', '/count', '/login', '/logout']) {
        visitor.cookies.set('sid', cookie)
        expect((await visitor.ask(path)).status).toBe(200)
        if (!['/read', '/logout'].includes(path)) expect(visitor.id).not.toBe(id)
      }
      expect(heard['holdfast:corrupt']).toHaveLength(5)
      expect(await rig.redis((redis) => redis.lrange(`SESSION:${id}`, 0, -1))).toEqual(['not ours'])
      expect(rig.app.errors).toEqual([])
    }
  })

  test('and comes while a request runs: the session is gone', async () => {
    const visitor = await rig.newVisitor()
    const key = `SESSION:${visitor.id}`
    const marking = visitor.ask('/wait/mark/mine')
    await eventually(() => rig.app.waiting > 0)
    await rig.redis((redis) => redis.multi().del(key).lpush(key, 'not ours').exec())
    rig.app.letGo()
    expect((await marking).status).toBe(409)
    expect(await rig.redis((redis) => redis.lrange(key, 0, -1))).toEqual(['not ours'])
  })
})

/** How many commands about this session Redis gets meanwhile. */
async function commandsAbout<T>(
  id: string,
  run: () => Promise<T>
): Promise<{ outcome: T; commands: number }> {
  return rig.redis(async (redis) => {
    let commands = 0
    const end = `end ${Math.random()}`
    let isOver!: () => void
    const ended = new Promise<void>((resolve) => (isOver = resolve))
    const stop = await monitor(redis, (args, source) => {
      if (args[1] === end) isOver()
      else if (source !== 'lua' && args.includes(`SESSION:${id}`)) commands++
    })
    try {
      const outcome = await run()
      await redis.echo(end)
      await ended
      return { outcome, commands }
    } finally {
      stop()
    }
  })
}
