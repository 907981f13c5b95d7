import Redis from 'ioredis'
import { clients, plain } from './support/clients'
import { eventually } from './support/eventually'
import { REQUESTS, Rig } from './support/rig'
import { byStatus, late, needsStore, type Outcome, Witness } from './support/witness'

test('OOM: writes are refused, and nothing else is', async () => {
  const rig = await Rig.open()
  const [reader, leaver, ...rest] = rig.visitors
  await rig.answersAll(REQUESTS / 4, 300)
  const texts = await rig.texts()
  await rig.redis(async (redis) => {
    await redis.pexpire(`SESSION:${reader!.id}`, 60_000)
    await redis.config('SET', 'maxmemory', '1')
  })

  const during = await rig.load(REQUESTS / 2, 500)
  const writes = during.filter(isWrite)
  expect(byStatus(writes)).toEqual({ 503: writes.length })
  expect(byStatus(during.filter((one) => !isWrite(one)))).toEqual({ 200: during.length - writes.length })
  expect(rig.app.errors[0]).toMatchObject({
    code: 'ERR_SESSION_STORE',
    cause: expect.stringMatching(/OOM/)
  })
  expect(await rig.texts()).toEqual(texts)
  // Read, and renewed by that to a day.
  expect(await rig.redis((redis) => redis.pttl(`SESSION:${reader!.id}`))).toBeGreaterThan(80_000_000)
  expect(await new Witness(() => rig.app.port).ask('/login')).toMatchObject({
    status: 503,
    answer: { setCookies: [] }
  })
  const left = leaver!.id
  expect((await leaver!.ask('/logout')).status).toBe(200)
  expect(await rig.redis((redis) => redis.exists(`SESSION:${left}`))).toBe(0)

  await rig.redis((redis) => redis.config('SET', 'maxmemory', '0'))
  rig.visitors.splice(0, rig.visitors.length, reader!, ...rest)
  await rig.answersAll(REQUESTS / 4, 300)
  expect(late(rig.outcomes)).toEqual([])
  expect(await rig.problems()).toEqual([])
})

// By itself, ioredis asks again when Redis expects to be ready, or after ten seconds.
test.each(clients.filter((kind) => kind !== plain))('LOADING: 503 quickly, $name', async (kind) => {
  const rig = await Rig.open({ kind, args: ['--enable-debug-command', 'yes'] })
  await rig.answersAll(REQUESTS / 4, 300)
  await rig.redis(async (redis) => {
    await redis.call('DEBUG', 'POPULATE', '2000')
    await redis.save()
  })
  await rig.server.kill()
  // A millisecond for each key, and an answer in between after each thousand bytes.
  await rig.server.start(['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'])
  const recovering = loaded(rig).then(async (loadedAt) => ({ loadedAt, ms: await rig.recovered() }))
  const outcomes = await rig.load(REQUESTS / 2, 1500)
  const { loadedAt, ms } = await recovering
  expect(ms).toBeLessThan(5000)
  const during = outcomes.filter((one) => needsStore(one) && one.ended < loadedAt)
  expect(during.length).toBeGreaterThan(0)
  expect(byStatus(during)).toEqual({ 503: during.length })
  await rig.answersAll(REQUESTS / 4, 300)
  expect(late(rig.outcomes)).toEqual([])
  expect(await rig.problems()).toEqual([])
})

test('eviction: a session that is gone is gone, and nothing else happens', async () => {
  const rig = await Rig.open()
  await rig.redis(async (redis) => {
    const [, used] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? []
    await redis.config('SET', 'maxmemory', `${Number(used) + 3_000_000}`)
    await redis.config('SET', 'maxmemory-policy', 'allkeys-random')
  })
  const loading = rig.load(REQUESTS, 2000)
  await rig.redis(async (redis) => {
    for (let i = 0; i < 1000; i++) await redis.set(`other:${i}`, 'x'.repeat(10_000))
    // For certain now, and with all that is on its way.
    for (const { id } of rig.visitors.slice(0, 5)) await redis.del(`SESSION:${id}`)
  })
  const during = await loading
  // 409: evicted between the load and the commit.
  expect(Object.keys(byStatus(during)).filter((status) => !['200', '409'].includes(status))).toEqual([])
  expect(await rig.redis((redis) => redis.info('stats'))).toMatch(/evicted_keys:[1-9]/)
  for (const visitor of rig.visitors) {
    await rig.redis((redis) => redis.del(`SESSION:${visitor.id}`))
    const { id } = visitor
    expect(await visitor.ask('/read')).toMatchObject({
      status: 200,
      answer: { text: '{}', setCookies: [] }
    })
    expect((await visitor.ask('/login')).status).toBe(200)
    expect(visitor.id).not.toBe(id)
  }
  expect(late(rig.outcomes)).toEqual([])
  expect(await rig.traces.left()).toEqual([])
})

function isWrite({ path }: Outcome): boolean {
  return /mark|save|count/.test(path)
}

/** Waits until Redis has read its file; the time of it. */
async function loaded({ server }: Rig): Promise<number> {
  const redis = new Redis({ port: server.port, enableReadyCheck: false })
  try {
    // The last look that saw it loading: between two looks it may have come to its end.
    let loadingAt = performance.now()
    await eventually(async () => {
      const askedAt = performance.now()
      const isLoading = /^loading:1/m.test(await redis.info('persistence'))
      if (isLoading) loadingAt = askedAt
      return !isLoading
    })
    return loadingAt
  } finally {
    redis.disconnect()
  }
}
