import { once } from 'node:events'
import { Cluster } from 'ioredis'
import session, { MemoryStore, type Store } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { startCluster } from '../support/redis-cluster'
import { startRedis } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { type Bag, secret, Site, type Visitor } from '../support/site'
import { isLong } from '../support/long'

/** `npm run test:long` asks for a thousand. */
const CLIENTS = isLong ? 1000 : 20
const PAIRS = isLong ? 1000 : 20
const AT_ONCE = 20
const TIMEOUT = 60_000

const user = (s: object) => (s as Bag).user as string | undefined
const options = { user, timeout: TIMEOUT }

function openMemory(): Promise<Store> {
  return Promise.resolve(atEnd(new MemoryStore(), (it) => it.close()))
}

async function openRedis(): Promise<Store> {
  const server = atEnd(await startRedis(), (it) => it.stop())
  return atEnd(RedisStore.connect(server.url), (it) => it.close())
}

async function openCluster(): Promise<Store> {
  const cluster = atEnd(await startCluster(), (it) => it.stop())
  const client = new Cluster([{ host: '127.0.0.1', port: cluster.nodes[0]!.port }], {
    enableOfflineQueue: false,
    redisOptions: { maxRetriesPerRequest: 0 }
  })
  atEnd(client, (it) => it.disconnect())
  await once(client, 'ready')
  return new RedisStore(client)
}

type Keep = true | 'user'[]

async function rotate(s: Bag, keep: Keep): Promise<string> {
  if (s.user === undefined) return 'out'
  await s.regenerate({ keep: keep as true })
  return 'in'
}

/** A browser that remembers each cookie that it was ever given, as somebody who stole them would. */
class Client {
  readonly cookies = new Set<string>()

  private constructor(
    private readonly site: Site,
    private readonly visitor: Visitor
  ) {}

  static async login(site: Site, name: string): Promise<Client> {
    const client = new Client(site, site.visitor())
    await client.visitor.ask(async (s) => void ((await s.regenerate()).user = name))
    client.#remember()
    return client
  }

  /** A second window, with the cookie of now. */
  window(): Visitor {
    return this.visitor.clone()
  }

  /** Answers whether it is still logged in. */
  async rotate(keep: Keep): Promise<boolean> {
    const { status, text } = await this.visitor.visit((s) => rotate(s, keep))
    this.#remember()
    expect([200, 409]).toContain(status)
    return status === 200 && JSON.parse(text) === 'in'
  }

  /** How many of all its cookies still log somebody in. */
  async stillIn(): Promise<number> {
    this.#remember()
    let count = 0
    for (const cookie of this.cookies)
      if (await this.site.visitor(cookie).ask((s) => s.user !== undefined)) count++
    return count
  }

  #remember(): void {
    if (this.visitor.hasCookie) this.cookies.add(this.visitor.cookie)
  }
}

const rounds = (total: number): number[] => Array.from({ length: Math.ceil(total / AT_ONCE) }, (_, i) => i)
const each = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: AT_ONCE }, make))

describe.each([
  ['a MemoryStore', openMemory],
  ['Redis', openRedis],
  ['a Redis Cluster of three', openCluster]
] as const)('on %s', (_name, open) => {
  let store: Store
  beforeAll(async () => (store = await open()), 90_000)

  test.each<[string, Keep]>([
    ['regenerate with keep: true', true],
    ['regenerate with a list of keys', ['user']]
  ])(
    'nobody stays logged in by %s without a pause while all sessions of a user are ended',
    async (_how, keep) => {
      const site = await Site.open({ ...options, store })
      const elsewhere = session({ ...options, secret, store })
      for (const round of rounds(CLIENTS)) {
        const name = `user ${round}`
        const clients = await each(() => Client.login(site, name))
        let hasEnded = false
        let rotations = 0
        let ending: Promise<number> | undefined
        await Promise.all(
          clients.map(async (client) => {
            while (!hasEnded && (await client.rotate(keep))) {
              if (++rotations < AT_ONCE) continue
              ending ??= elsewhere.destroy(name).finally(() => (hasEnded = true))
            }
          })
        )
        await ending
        for (const client of clients) expect(await client.stillIn()).toBe(0)
        expect(await elsewhere.list(name)).toEqual([])
      }
    },
    3_600_000
  )

  test.each<[string, (s: Bag) => unknown]>([
    ['regenerate with keep: true', (s) => rotate(s, true)],
    ['regenerate with a list of keys', (s) => rotate(s, ['user'])],
    ['a write', (s) => s.user && (s.n = 1)],
    ['update', (s) => s.update((draft) => draft.user && (draft.n = 1))]
  ])(
    'no logout is undone by %s at the same time',
    async (_what, other) => {
      const site = await Site.open({ ...options, store })
      for (const round of rounds(PAIRS)) {
        const clients = await each(() => Client.login(site, `pair ${round}`))
        await Promise.all(
          clients.map(async (client) => {
            const [leaving, staying] = [client.window(), client.window()]
            const [logout, answer] = await Promise.all([
              leaving.visit((s) => s.destroy()),
              staying.visit(other)
            ])
            expect(logout.status).toBe(200)
            expect([200, 409]).toContain(answer.status)
            if (staying.hasCookie) client.cookies.add(staying.cookie)
          })
        )
        for (const client of clients) expect(await client.stillIn()).toBe(0)
      }
    },
    3_600_000
  )
})
