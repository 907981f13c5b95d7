import Redis from 'ioredis'
import type { RedisCluster } from '../support/redis-cluster'
import { ClusterRig, type ClusterRigOptions, PRIMARIES, primaryOf, startThree } from './support/cluster-rig'
import { eventually } from './support/eventually'
import { runFor } from './support/lag'
import { REQUESTS } from './support/rig'
import { SlowLinks } from './support/slow-link'
import { Leaving, Storm } from './support/storm'
import { answeredWell, byStatus, late, type Witness } from './support/witness'
import { waitsForReplica } from './support/wait-store'

/** The primary that dies. */
const LOST = 1
const MIN_REPLICAS = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '1']

interface Variant {
  /** Milliseconds each way between the primary and its replica; the link dies together with the primary. */
  readonly link: number
  /** Milliseconds before the death in which nothing comes through the link. */
  readonly silence?: number
  readonly setting?: 'min-replicas' | 'WAIT'
}

const variants: Variant[] = [
  { link: 0 },
  { link: 0, setting: 'min-replicas' },
  { link: 0, setting: 'WAIT' },
  { link: 20 },
  { link: 20, setting: 'min-replicas' },
  { link: 20, setting: 'WAIT' },
  { link: 20, silence: 4000 },
  { link: 20, silence: 4000, setting: 'min-replicas' }
]

let cluster: RedisCluster
let links: SlowLinks | undefined

afterEach(async () => {
  await links?.remove()
  links = undefined
  await cluster.stop()
})

test.each(variants)('a primary dies under load: what is lost is counted, %j', async (variant) => {
  const { link, silence = 0, setting } = variant
  cluster = await startThree(setting === 'min-replicas' ? MIN_REPLICAS : [])
  const options: ClusterRigOptions = setting === 'WAIT' ? { wrap: waitsForReplica } : {}
  if (link > 0) {
    links = await SlowLinks.put(cluster, PRIMARIES, link)
    options.natMap = links.natMap
  }
  const rig = await ClusterRig.open(cluster, options)
  try {
    const writers = [...(await rig.addVisitors(6)), ...(await visitorsAt(rig, 24))]
    const leavers = await visitorsAt(rig, REQUESTS / 4)
    const affected = writers.filter(({ id }) => primaryOf(id) === LOST)

    const storm = new Storm(writers)
    await storm.acknowledges(setting === 'WAIT' ? REQUESTS : 10 * REQUESTS)
    const { perSecond } = storm
    const refusedBefore = storm.outcomes.filter((outcome) => !answeredWell(outcome)).length
    if (silence > 0) links!.freeze(LOST)
    await runFor(silence)
    const leaving = new Leaving(leavers)
    await leaving.answers(leavers.length / 2)
    links?.cut(LOST)
    const killed = cluster.nodes[LOST]!.kill()
    const lostAt = performance.now()
    const acknowledged = sum(affected.map((visitor) => visitor.acknowledged.size))
    await killed
    await tookOver(cluster)
    // The one that took over has no replica. Where it needs one it refuses everything, reading with renewal too.
    const withoutReplica = setting === 'min-replicas' ? (await affected[0]!.ask('/read')).status : undefined
    if (setting) await cluster.nodes[LOST]!.start()
    for (const visitor of affected) {
      await eventually(async () => (await visitor.ask('/read')).status === 200)
    }
    const unavailableMs = Math.round(performance.now() - lostAt)
    await storm.end()
    await leaving.end()

    const texts = await rig.texts(writers)
    const lost = writers.map(
      (writer, i) => writer.lost(JSON.parse(texts[i] ?? '{}') as Record<string, unknown>).length
    )
    const returned = (await rig.stored(leaving.acknowledged)).filter((text) => text !== null).length
    const figures = {
      measured: 'a primary of three dies under load',
      ...variant,
      perSecond: Math.round(perSecond),
      refusedBefore,
      acknowledged,
      lostWrites: sum(lost),
      logouts: leaving.acknowledged.length,
      returnedLogouts: returned,
      unavailableMs,
      withoutReplica
    }
    process.stdout.write(`${JSON.stringify(figures)}\n`)

    // Nobody at the other primaries lost anything.
    expect(sum(lost.filter((_, i) => primaryOf(writers[i]!.id) !== LOST))).toBe(0)
    // WAIT keeps the connection from everybody: a load and a commit may both take their whole time.
    expect(late(storm.outcomes, setting === 'WAIT' ? 2000 : 1000)).toEqual([])
    expect(Object.keys(byStatus(storm.outcomes)).sort()).toEqual(['200', '503'])
    if (setting === 'WAIT') expect([sum(lost), returned]).toEqual([0, 0])
    // What the dead process had given to its network has arrived: at most what was just being answered is lost.
    if (link === 0) expect(sum(lost)).toBeLessThanOrEqual(affected.length)
  } finally {
    await rig.close()
  }
})

/** New visitors, all of them at the primary that dies. */
async function visitorsAt(rig: ClusterRig, count: number): Promise<Witness[]> {
  const visitors: Witness[] = []
  while (visitors.length < count) {
    visitors.push(...(await rig.addVisitors(3)).filter(({ id }) => primaryOf(id) === LOST))
  }
  return visitors
}

/** Waits until the replica of the lost primary has become a primary itself. */
async function tookOver({ nodes }: RedisCluster): Promise<void> {
  const replica = new Redis(nodes[LOST + PRIMARIES]!.url)
  await eventually(async () => (await replica.info('replication')).includes('role:master'))
  replica.disconnect()
}

function sum(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
