import Redis from 'ioredis'
import { RedisStore } from '../../lib/redis'
import { startCluster } from '../support/redis-cluster'
import { startRedis, type RedisServer } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { Site, type Visitor } from '../support/site'
import { holdfast, json, runProcess } from './cli'

interface Listed {
  handle: string
  created: string
  expires: string
  data: object
}

describe.each(['a server', 'a cluster'])('on %s', (kind) => {
  let redis: RedisServer
  let client: Redis | InstanceType<typeof Redis.Cluster>
  let store: RedisStore
  let site: Site

  beforeAll(async () => {
    if (kind === 'a cluster') {
      const { nodes } = atEnd(await startCluster({ primaries: 3 }), (it) => it.stop())
      redis = nodes[1]!
      client = new Redis.Cluster([...nodes])
    } else {
      redis = atEnd(await startRedis(), (it) => it.stop())
      client = new Redis(redis.url)
    }
    store = new RedisStore(atEnd(client, (it) => it.disconnect()))
  })
  beforeEach(async () => {
    site = await Site.open({ store, user: (s) => (s as unknown as { name?: string }).name })
  })

  const env = (): Record<string, string> => ({ REDIS_URL: redis.url })

  async function login(name: string, data: object = {}): Promise<Visitor> {
    const visitor = site.visitor()
    await visitor.ask((s) => void Object.assign(s, { name, ...data }))
    return visitor
  }

  const handleOf = (visitor: Visitor): Promise<string> => visitor.ask((s) => s.handle)

  test("a user's sessions are listed, newest first, and nobody else's", async () => {
    const phone = await login('list ann', { device: 'phone' })
    await login('list ann bob')
    const laptop = await login('list ann', { device: '手提电脑' })
    const handles = [await handleOf(laptop), await handleOf(phone)]

    const { status, stdout, stderr } = await runProcess(['list', 'list ann'], env())
    expect([status, stderr]).toEqual([0, ''])
    const [head, ...rows] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^handle +created +lives +data$/)
    expect(rows.map((row) => row.split('  ')[0])).toEqual(handles)
    expect(rows[0]).toMatch(
      / \d\d:\d\d:\d\dZ {2}(1 d|23 h 59 min) +\{"name":"list ann","device":"手提电脑"\}$/
    )

    const listed = await json<Listed[]>(['list', 'list ann'], env())
    expect(listed).toEqual(
      handles.map((handle, i) => ({
        handle,
        created: expect.any(String),
        expires: expect.any(String),
        data: { name: 'list ann', device: ['手提电脑', 'phone'][i] }
      }))
    )
    for (const hidden of [phone.id, laptop.id]) expect(stdout).not.toContain(hidden)
  })

  test('listing renews no life', async () => {
    const { id } = await login('quiet')
    await store.touch(id, 60_000)
    await holdfast(['list', 'quiet'], env())
    expect(await store.life(id)).toBeLessThanOrEqual(60_000)
  })

  test('a user without sessions', async () => {
    expect(await holdfast(['list', 'nobody'], env())).toEqual({
      status: 1,
      stdout: 'nobody has no sessions\n',
      stderr: ''
    })
    expect(await json(['list', 'nobody'], env())).toEqual([])
    const { status, stdout } = await holdfast(['destroy', 'nobody'], env())
    expect([status, stdout]).toEqual([1, 'no sessions of nobody ended\n'])
  })

  test('all of them are ended, and what still runs stores nothing more', async () => {
    const visitors = [await login('eve'), await login('eve'), await login('eve')]
    const other = await login('everett')
    const { status, stdout } = await visitors[0]!
      .visit(async (s) => {
        await s.load()
        const ran = await runProcess(['destroy', 'eve'], env())
        s.late = true
        return ran
      })
      .then(async (answer) => {
        expect([answer.status, answer.text]).toEqual([409, '{"error":"ERR_SESSION_GONE"}'])
        return holdfast(['list', 'eve'], env())
      })
    expect([status, stdout]).toEqual([1, 'eve has no sessions\n'])
    for (const visitor of visitors) expect(await visitor.ask((s) => s.name ?? null)).toBeNull()
    expect(await other.ask((s) => s.name)).toBe('everett')
  })

  test('one of them is ended', async () => {
    const [gone, kept] = [await login('kim'), await login('kim')]
    const handle = await handleOf(gone)
    const { status, stdout } = await holdfast(['destroy', 'kim', '--handle', handle], env())
    expect([status, stdout]).toEqual([0, '1 session of kim ended\n'])
    expect(await gone.ask((s) => s.name ?? null)).toBeNull()
    expect(await kept.ask((s) => s.name)).toBe('kim')
    expect(await json(['destroy', 'kim', '--handle', handle], env())).toEqual({ ended: 0 })
    expect(await json(['destroy', 'kim'], env())).toEqual({ ended: 1 })
  })

  test('who watches hears of it', async () => {
    const { id } = await login('max')
    const watching = new RedisStore(client)
    const heard = new Promise((resolve) => {
      const resumed = () => void runProcess(['destroy', 'max'], env())
      // The nodes of a cluster tell each other, and what an earlier test ended may arrive only now.
      watching.watch((ended) => ended.id === id && resolve(ended), resumed)
    })
    expect(await heard).toEqual({ id })
    await watching.close()
  })

  test('whose a session is stands in what inspect tells', async () => {
    const { cookie } = await login('安')
    const SESSION_SECRET = 'what signs the cookies in the tests of the core'
    const found = await json(['inspect', cookie], { ...env(), SESSION_SECRET })
    expect(found).toMatchObject({ stored: true, user: '安' })
  })

  test('sessions in a form that cannot be read here are left as they are, and in the index', async () => {
    const codec = {
      encode: (record: object) => `x${JSON.stringify(record)}`,
      decode: (text: string) => JSON.parse(text.slice(1)) as Record<string, unknown>
    }
    site = await Site.open({ store, codec, user: () => 'sealed' })
    const { id } = await login('sealed')
    // Noted so long ago that what has no session behind it is removed.
    await client.zadd('SESSION:user:sealed', 1, id)
    for (const command of ['list', 'destroy']) {
      const { status, stdout, stderr } = await holdfast([command, 'sealed'], env())
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toContain(
        'no session that can be read here (not JSON): does the application use the option'
      )
    }
    expect(await store.get(id)).toMatch(/^x/)
    expect(await client.zscore('SESSION:user:sealed', id)).toBe('1')
  })

  test('another prefix, other sessions', async () => {
    const mine = new RedisStore(client, { prefix: 'my:' })
    site = await Site.open({ store: mine, user: () => 'zoe' })
    await login('zoe')
    expect(await json(['list', 'zoe'], env())).toEqual([])
    expect(await json(['list', 'zoe', '--prefix', 'my:'], env())).toHaveLength(1)
  })
})
