import { startRedis } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { eventually } from './support/eventually'
import { runFor } from './support/lag'
import { REQUESTS, Rig } from './support/rig'
import { byStatus, late } from './support/witness'

test('the primary becomes a replica (READONLY): reconnected, and tried once more', async () => {
  const rig = await Rig.open()
  const replica = ['--replicaof', rig.server.host, `${rig.server.port}`]
  const other = atEnd(await startRedis({ args: replica }), (it) => it.stop())
  const servers = [rig.server, other]
  /** Makes the other one the primary, without a loss; new connections find it, old ones stay where they are. */
  const failOver = async (): Promise<void> => {
    const [from, to] = servers as [typeof other, typeof other]
    const role = (of: typeof other) => rig.redis((redis) => redis.info('replication'), of)
    await eventually(async () => (await role(from)).includes('state=online'))
    rig.proxy.target = to.port
    await rig.redis((redis) => redis.call('FAILOVER', 'TO', to.host, `${to.port}`), from)
    await eventually(
      async () => (await role(to)).includes('role:master') && (await role(from)).includes('role:slave')
    )
    rig.primary = to
    servers.reverse()
  }
  const loading = rig.load(REQUESTS, 2000)
  await runFor(500)
  await failOver()
  await loading
  expect(late(rig.outcomes)).toEqual([])
  await rig.recovered()
  expect(await rig.audit()).toEqual([])

  await failOver()
  // The first request meets the old primary, and does not come back with its refusal.
  expect((await rig.visitors[0]!.use('count')).status).toBe(200)
  await rig.answersAll(REQUESTS / 4, 300)
  expect(await rig.problems()).toEqual([])
})

test('Redis forgets its scripts (NOSCRIPT): nobody notices', async () => {
  const rig = await Rig.open({ args: ['--appendonly', 'yes'] })
  const loading = rig.load(REQUESTS / 2, 1000)
  for (let i = 0; i < 10; i++) {
    await runFor(80)
    await rig.redis((redis) => redis.script('FLUSH'))
  }
  await loading
  expect(byStatus(rig.outcomes)).toEqual({ 200: rig.outcomes.length })

  await rig.server.restart()
  await rig.recovered()
  await rig.answersAll(REQUESTS / 2, 500)
  expect(late(rig.outcomes)).toEqual([])
  expect(await rig.problems()).toEqual([])
})
