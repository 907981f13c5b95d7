import type { Cluster, Redis } from 'ioredis'
import { CONNECT_DEFAULTS, loadIoredis, openRedis } from '../stores/redis/connect'
import { UsageError } from './outcome'

/** How long the server may take to be ready, in milliseconds. */
const TIMEOUT = 5000

/** Runs `use` with a client for the server at a URL, or for the cluster that this is a node of. */
export async function withRedis<T>(url: string, use: (client: Redis | Cluster) => Promise<T>): Promise<T> {
  if (!/^rediss?:\/\//.test(url)) {
    throw new UsageError('REDIS_URL must begin with redis:// or rediss://, as redis://127.0.0.1:6379')
  }
  const server = open(url)
  let client: Redis | Cluster = server
  try {
    await ready(server)
    if (await isCluster(server)) client = openCluster(server)
    return await use(client)
  } finally {
    client.disconnect()
    server.disconnect()
  }
}

function open(url: string): Redis {
  try {
    decodeURIComponent(url)
    if (/^\/?\d*$/.test(new URL(url).pathname)) return openRedis(url)
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof URIError)) throw error
  }
  throw new UsageError('REDIS_URL is no URL of a Redis server, such as redis://:password@127.0.0.1:6379/0')
}

async function ready(client: Redis): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).once('error', reject)
      timer = setTimeout(() => reject(new Error('it does not answer')), TIMEOUT)
    })
  } catch (error) {
    const { host, port } = client.options
    throw new UsageError(`Redis at ${host}:${port}: ${messageOf(error)}`)
  } finally {
    clearTimeout(timer)
    // Later failures are reported by the command that meets them.
    client.on('error', () => undefined)
  }
}

async function isCluster(client: Redis): Promise<boolean> {
  const info = await client.info('cluster').catch(() => '')
  return /^cluster_enabled:1/m.test(info)
}

function openCluster({ options }: Redis): Cluster {
  const { Cluster } = loadIoredis()
  const { host, port, username, password, tls } = options
  const redisOptions = { ...CONNECT_DEFAULTS, username, password, tls }
  return new Cluster([{ host, port }], { redisOptions }).on('error', () => undefined)
}

/** Node tries several addresses of a name at once: then the errors are in the error. */
function messageOf(error: unknown): string {
  const { message, errors = [] } = error as Error & { errors?: Error[] }
  return message || errors.map((one) => one.message).join(', ')
}
