import Redis, { Cluster, type ClusterOptions } from 'ioredis'
import type { Store } from '../../../lib'
import { RedisStore } from '../../../lib/stores/redis/redis-store'
import { slotOf } from '../../../lib/stores/redis/slot'
import { type RedisCluster, startCluster } from '../../support/redis-cluster'
import type { RedisServer } from '../../support/redis-server'
import { atEnd } from '../../support/serve'
import { App } from './app'
import { eventually } from './eventually'
import { Traces } from './traces'
import { Witness } from './witness'

/** As the docstring of RedisStore says. */
const documented: ClusterOptions = {
  enableOfflineQueue: false,
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
  redisOptions: { maxRetriesPerRequest: 0, socketTimeout: 3000 }
}

export const PRIMARIES = 3

export interface ClusterRigOptions {
  /** For the client: ports of the cluster that it reaches at others. */
  natMap?: ClusterOptions['natMap']
  /** What goes between the application and the store. */
  wrap?: (store: RedisStore<Cluster>) => Store
}

/** Three primaries with a replica each, an application that uses them, and visitors whose sessions are everywhere. */
export class ClusterRig {
  readonly visitors: Witness[] = []
  traces!: Traces

  private constructor(
    readonly cluster: RedisCluster,
    readonly client: Cluster,
    readonly app: App,
    /** Options for somebody who looks on: a client that waits, and tries again. */
    private readonly onlooker: ClusterOptions
  ) {}

  static async open(cluster: RedisCluster, { natMap, wrap }: ClusterRigOptions = {}): Promise<ClusterRig> {
    const mapped = natMap ? { natMap } : {}
    const client = new Cluster(seeds(cluster), { ...documented, ...mapped })
    const store = new RedisStore(client)
    const app = await App.open(wrap?.(store) ?? store)
    return atEnd(new ClusterRig(cluster, client, app, mapped), (it) => it.close())
  }

  async addVisitors(count: number): Promise<Witness[]> {
    const added: Witness[] = []
    while (added.length < count) {
      const visitor = new Witness(() => this.app.port)
      const { status } = await visitor.ask('/login')
      if (status === 200) added.push(visitor)
      else if (this.app.errors.at(-1)?.cause?.includes('NOREPLICAS')) await this.#haveReplicas()
      else if (added.length > 0) throw new Error(`nobody could log in: ${status}`)
    }
    this.visitors.push(...added)
    return added
  }

  settle(): void {
    this.traces = new Traces(this.client, this.app)
  }

  /** Visitors whose session is at the primary with this number, by the even division of the slots; or is not. */
  at(primary: number, isThere = true): Witness[] {
    return this.visitors.filter(({ id }) => (primaryOf(id) === primary) === isThere)
  }

  /** What the cluster keeps for each of these visitors. */
  texts(visitors: readonly Witness[]): Promise<(string | null)[]> {
    return this.stored(visitors.map(({ id }) => id))
  }

  /** What the cluster keeps under these ids. */
  async stored(ids: readonly string[]): Promise<(string | null)[]> {
    const admin = new Cluster(seeds(this.cluster), this.onlooker)
    try {
      return await Promise.all(ids.map((id) => admin.get(`SESSION:${id}`)))
    } finally {
      admin.disconnect()
    }
  }

  /** What is wrong with the sessions of these visitors. */
  async audit(visitors: readonly Witness[]): Promise<string[]> {
    const texts = await this.texts(visitors)
    return visitors.flatMap((visitor, i) => visitor.complaints(texts[i]!))
  }

  /** Waits until no primary misses a replica: on a busy machine one may take longer than it may to be heard of. */
  async #haveReplicas(): Promise<void> {
    for (const { url } of this.cluster.nodes.slice(0, PRIMARIES)) {
      const redis = new Redis(url)
      await eventually(async () => /min_slaves_good_slaves:[1-9]/.test(await redis.info('replication')))
      redis.disconnect()
    }
  }

  /** Waits until a node that was a primary follows the one that took its place. */
  async isReplica({ url }: RedisServer): Promise<void> {
    const redis = new Redis(url)
    await eventually(async () => /role:slave[^]*master_link_status:up/.test(await redis.info('replication')))
    redis.disconnect()
  }

  async close(): Promise<void> {
    await this.app.stop()
    this.client.disconnect()
  }
}

function seeds({ nodes }: RedisCluster): { host: string; port: number }[] {
  return nodes.map(({ host, port }) => ({ host, port }))
}

/** The number of the primary that has the session, before any failover. */
export function primaryOf(id: string): number {
  return Math.floor((slotOf(`SESSION:${id}`) * PRIMARIES) / 16_384)
}

/** Three primaries and their replicas; what one of them has does not go when another one is lost. */
export function startThree(args: string[] = []): Promise<RedisCluster> {
  return startCluster({
    primaries: PRIMARIES,
    replicas: 1,
    args: ['--cluster-require-full-coverage', 'no', ...args]
  })
}
