/** The stores that the demo runs on, as `STORE` names them. */
export type StoreKind = 'memory' | 'redis' | 'cookie'

/** What the environment says, checked. */
export interface Config {
  /** 0 takes any free port. */
  port: number
  host: string
  /** Where sessions are kept; `redisUrl` is there for Redis. */
  store: StoreKind
  redisUrl: string | undefined
  secret: string | undefined
  secretFile: string | undefined
  allowedOrigins: string[]
  allowedHosts: string[]
}

/** Something that keeps the demo from starting; the message is one line and says what to do. */
export class StartError extends Error {}

/** @throws StartError naming the variable that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const redisUrl = readRedisUrl(env.REDIS_URL || undefined)
  return {
    port: readPort(env.PORT || '4000'),
    host: env.HOST || '127.0.0.1',
    store: readStore(env.STORE || undefined, redisUrl),
    redisUrl,
    secret: env.SECRET || undefined,
    secretFile: env.SECRET_FILE || undefined,
    allowedOrigins: listOf(env.ALLOWED_ORIGIN).map(readOrigin),
    allowedHosts: listOf(env.ALLOWED_HOST).map(readHost)
  }
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function readPort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new StartError(`PORT should be a number from 0 to 65535, not ${JSON.stringify(text)}`)
  }
  return Number(text)
}

function readRedisUrl(text: string | undefined): string | undefined {
  // The value is not repeated: there may be a password in it.
  if (text !== undefined && !(URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol))) {
    throw new StartError('REDIS_URL should look like redis://127.0.0.1:6379')
  }
  return text
}

function readStore(text: string | undefined, redisUrl: string | undefined): StoreKind {
  if (text === undefined) return redisUrl === undefined ? 'memory' : 'redis'
  if (text !== 'memory' && text !== 'redis' && text !== 'cookie') {
    throw new StartError(`STORE should be memory, redis or cookie, not ${JSON.stringify(text)}`)
  }
  if (text === 'redis' && redisUrl === undefined) {
    throw new StartError('STORE=redis needs REDIS_URL, such as redis://127.0.0.1:6379')
  }
  return text
}

function readOrigin(text: string): string {
  // Compared with what a browser sends, letter for letter: no path, no trailing slash, no upper case, and no *.
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol) || new URL(text).origin !== text) {
    throw new StartError(`ALLOWED_ORIGIN should look like http://127.0.0.1:8080, not ${JSON.stringify(text)}`)
  }
  return text
}

function readHost(text: string): string {
  const url = `http://${text}`
  if (!URL.canParse(url) || new URL(url).hostname !== text) {
    throw new StartError(
      `ALLOWED_HOST should be a name without a port, such as demo.example, not ${JSON.stringify(text)}`
    )
  }
  return text
}
