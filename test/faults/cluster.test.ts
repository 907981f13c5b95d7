import type { RedisCluster } from '../support/redis-cluster'
import type { RedisServer } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { App } from './support/app'
import { own } from './support/clients'
import { ClusterRig, startThree } from './support/cluster-rig'
import { eventually } from './support/eventually'
import { runFor } from './support/lag'
import { REQUESTS } from './support/rig'
import { answeredWell, byStatus, late, load, needsStore, Witness } from './support/witness'

let cluster: RedisCluster

beforeAll(async () => (cluster = atEnd(await startThree(), (it) => it.stop())), 120_000)

test('one node of a cluster, and a client for one server (MOVED): the error says what to use', async () => {
  const { store, ready } = atEnd(own.open(cluster.nodes[0]!.url), (it) => it.close())
  await ready()
  const app = atEnd(await App.open(store), (it) => it.stop())
  const visitors = Array.from({ length: REQUESTS }, () => new Witness(() => app.port))
  const outcomes: Awaited<ReturnType<Witness['ask']>>[] = []
  // A hundred at a time: more would wait for this machine, and not for Redis.
  while (outcomes.length < visitors.length) {
    const some = visitors.slice(outcomes.length, outcomes.length + 100)
    outcomes.push(...(await Promise.all(some.map((visitor) => visitor.ask('/login')))))
  }
  expect(late(outcomes)).toEqual([])
  const refused = outcomes.filter(({ status }) => status === 503)
  // Two thirds of the ids belong to other nodes.
  expect(refused.length).toBeGreaterThan(REQUESTS / 3)
  expect(outcomes.filter(({ status }) => status !== 503).every(answeredWell)).toBe(true)
  expect(refused.filter(({ answer }) => answer?.setCookies.length)).toEqual([])
  for (const error of app.errors) expect(error.cause).toMatch(/new Redis\.Cluster/)
})

const losses: {
  name: string
  /** Each its own primary: afterwards the other node has the sessions. */
  primary: number
  begin: (lost: RedisServer) => Promise<void>
  end: (lost: RedisServer) => Promise<unknown>
}[] = [
  {
    name: 'stops answering',
    primary: 1,
    begin: async (lost) => lost.pause(),
    end: async (lost) => lost.resume()
  },
  { name: 'dies', primary: 2, begin: (lost) => lost.kill(), end: (lost) => lost.start() }
]

test.each(losses)(
  'a primary $name, and comes back later: its sessions get 503 until its replica takes over, others notice nothing',
  async ({ primary, begin, end }) => {
    const rig = await ClusterRig.open(cluster)
    const lost = cluster.nodes[primary]!
    await rig.addVisitors(20)
    const [here, there] = [rig.at(primary), rig.at(primary, false)]
    const before = await load(rig.visitors, REQUESTS / 4, 500)
    expect(byStatus(before)).toEqual({ 200: before.length })
    rig.settle()
    // What was acknowledged has reached the replica; what is lost otherwise is counted elsewhere.
    await runFor(500)

    const loading = Promise.all([load(here, REQUESTS / 4, 3000), load(there, REQUESTS / 4, 3000)])
    await begin(lost)
    const lostAt = performance.now()
    const [affected, others] = await loading
    expect(late([...affected, ...others])).toEqual([])
    expect(byStatus(others)).toEqual({ 200: others.length })
    const soon = affected.filter((one) => needsStore(one) && one.began > lostAt && one.ended < lostAt + 1500)
    // On a busy machine no request may begin and end in that time.
    expect(soon.filter(({ status }) => status !== 503)).toEqual([])
    expect(byStatus(affected)[503]).toBeGreaterThan(0)

    for (const visitor of here) {
      await eventually(async () => (await visitor.ask('/read')).status === 200)
    }
    const unavailableMs = Math.round(performance.now() - lostAt)
    process.stdout.write(`${JSON.stringify({ measured: 'cluster failover', unavailableMs })}\n`)
    const after = await load(rig.visitors, REQUESTS / 4, 500)
    expect(byStatus(after)).toEqual({ 200: after.length })
    expect(await rig.audit(rig.visitors)).toEqual([])

    await end(lost)
    await rig.isReplica(lost)
    const later = await load(rig.visitors, REQUESTS / 4, 500)
    expect(byStatus(later)).toEqual({ 200: later.length })
    expect(await rig.audit(rig.visitors)).toEqual([])
    expect(await rig.traces.left()).toEqual([])
  }
)
