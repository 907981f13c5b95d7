import Redis from 'ioredis'
import { CookieStore, MemoryStore, type Store } from '../lib/index'
import { RedisStore } from '../lib/redis'
import { type Config, StartError } from './config'
import { Logouts } from './logouts'
import type { StoreMaker } from './race/race'

/** Where the demo keeps its sessions. */
export interface OpenStore {
  store: Store
  /** For the second browser on the page, where a store serves one cookie only. */
  secondStore?: Store
  /** Where the store cannot end a session that somebody else has. */
  logouts?: Logouts
  /** What the page calls it. */
  name: string
  /** What the console calls it, and how to look inside. */
  told: string
  /** Hears the id of each new session. */
  onSession?: (id: string) => void
  /** Makes the stores of the race, where they are not each package's own. */
  raceStore?: StoreMaker
  close: () => Promise<void>
}

/**
 * The store that the configuration names.
 *
 * @param idleTimeout - what the sessions in it have, in milliseconds
 * @throws StartError when Redis cannot be reached.
 */
export async function openStore(
  { store, redisUrl }: Pick<Config, 'store' | 'redisUrl'>,
  idleTimeout: number
): Promise<OpenStore> {
  if (store === 'redis' && redisUrl !== undefined) return openRedis(redisUrl)
  if (store === 'cookie') return openCookies(idleTimeout)
  return {
    store: new MemoryStore(),
    name: '内存 / memory',
    told: 'in memory, so a restart forgets them; with REDIS_URL=redis://127.0.0.1:6379 they stay',
    close: () => Promise.resolve()
  }
}

function openCookies(idleTimeout: number): OpenStore {
  const logouts = new Logouts(idleTimeout)
  const open = (): Store => new CookieStore({ notBefore: ({ userinfo }) => logouts.momentOf(userinfo) })
  return {
    store: open(),
    secondStore: open(),
    logouts,
    name: '各自的 Cookie / their own cookies',
    told: 'sealed in their cookies, and nothing here: of requests at once, the last one wins',
    close: () => Promise.resolve()
  }
}

async function openRedis(url: string): Promise<OpenStore> {
  const client = new Redis(url, { lazyConnect: true, connectTimeout: 3_000 })
  let ready = false
  let trouble = ''
  client.on('ready', () => {
    if (ready) console.error('Redis: connected again')
    ready = true
    trouble = ''
  })
  client.on('error', ({ message }: Error) => {
    // While Redis is away every attempt to reconnect fails the same way: said once is enough.
    if (ready && message !== trouble) console.error(`Redis: ${message}`)
    trouble = message
  })
  await client.connect().catch((error: unknown) => {
    client.disconnect()
    throw new StartError(`Redis cannot be reached at ${new URL(url).host}: ${trouble || String(error)}`)
  })

  // Only here: without Redis nobody needs the packages that it imports.
  // oxlint-disable-next-line typescript/no-require-imports
  const { openRaceRedis } = require('./race/redis') as typeof import('./race/redis')
  const race = await openRaceRedis(url)
  const look = (id: string): string => `redis-cli -u ${shown(url)} --raw get SESSION:${id}`
  return {
    store: new RedisStore(client),
    name: 'Redis',
    raceStore: race.make,
    told: `in Redis, a key each; look at one with ${look('<id>')}`,
    // An id lets its bearer in: only a demo prints one.
    onSession: (id) => console.log(`New session: ${look(id)}`),
    close: async () => {
      race.close()
      if (client.status === 'ready') await client.quit()
      else client.disconnect()
    }
  }
}

/** The URL for a command that can be copied, with any password left to the environment. */
function shown(url: string): string {
  return new URL(url).password === '' ? url : '"$REDIS_URL"'
}
