import { clients } from './support/clients'
import { REQUESTS, Rig } from './support/rig'
import { answeredWell, byStatus, late, needsStore, Witness } from './support/witness'

/** Nothing is lost by a crash of Redis. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
/** Milliseconds until the next attempt to connect, at most; the last two are the clients' own defaults. */
const within = new Map([
  ['RedisStore.connect', 1000],
  ['ioredis with its defaults', 2000],
  ['node-redis as the docstring says', 1000]
])

describe.each(clients)('$name', (kind) => {
  test('Redis is not there when the process starts, and goes away later', async () => {
    const rig = await Rig.open({ kind, args: durable, direct: true })
    const before = await rig.texts()
    await rig.server.kill()
    await rig.stop()
    await rig.start()

    const refused = await rig.load(REQUESTS / 4, 1500)
    expect(byStatus(refused.filter(needsStore))).toEqual({ 503: refused.filter(needsStore).length })
    expect(refused.filter((one) => !needsStore(one)).every(answeredWell)).toBe(true)
    expect(late(refused)).toEqual([])
    // Somebody without a session needs the store for a write only.
    const somebody = new Witness(() => rig.app.port)
    expect((await somebody.ask('/read')).status).toBe(200)
    expect((await somebody.ask('/mark/key')).status).toBe(503)
    expect(somebody.hasCookie).toBe(false)
    // Where no handler has run, asking again is safe, and the answer says so.
    expect((await rig.visitors[0]!.ask('/read')).answer?.headers['retry-after']).toBe('1')

    await rig.server.start()
    await rig.opened.ready()
    expect(await rig.texts()).toEqual(before)
    const stats = await rig.redis((redis) => redis.info('commandstats'))
    expect(stats).not.toMatch(/evalsha|eval|getex|pexpire|cmdstat_del:/)
    await rig.answersAll(REQUESTS / 4, 300)
    rig.settle()

    const loading = rig.load(REQUESTS / 2, 1500)
    setTimeout(() => void rig.server.kill(), 200)
    expect(late(await loading)).toEqual([])
    expect(byStatus(await rig.load(rig.visitors.length, 0, ['read']))).toEqual({ 503: rig.visitors.length })
    await rig.server.start()
    // And two seconds more for a Redis that does not get its turn.
    expect(await rig.recovered()).toBeLessThan(within.get(kind.name)! + 2000)
    const after = await rig.answersAll(REQUESTS / 4, 300)
    expect(late(after)).toEqual([])
    expect(await rig.problems()).toEqual([])
  })
})
