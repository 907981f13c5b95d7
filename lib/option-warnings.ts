import { looksLikeSeconds, type CookieOptions } from './cookie/attributes'
import { warnOnce } from './events'

/** Times among the options, in milliseconds. */
interface Times {
  readonly idleTimeout?: number | undefined
  readonly lifetime?: number | undefined
  readonly rememberFor?: number | undefined
  readonly cookie?: CookieOptions | undefined
}

/** Options that have passed every check. */
interface Options extends Times {
  readonly signed?: boolean | undefined
  readonly genid?: unknown
  readonly autoCommit?: boolean | undefined
  readonly saveUninitialized?: boolean | undefined
  readonly timeout?: number | undefined
  readonly merge?: unknown
  readonly store?: unknown
}

/** Warns, once each, of options that are deprecated or dangerous, and yet may be meant. */
export function warnOfOptions(options: Options): void {
  warnOfTimes(options)
  const { signed, genid, autoCommit, saveUninitialized, timeout = 1000, cookie = {}, merge, store } = options
  const isStateless = (Object(store) as { stateless?: unknown }).stateless === true
  const meant = `if seconds were meant, take ${timeout * 1000}`
  const found: [boolean, string][] = [
    [
      signed === false && genid !== undefined && !isStateless,
      'signed: false with an own genid: only its ids protect the sessions: give each 128 random bits, or sign the cookie'
    ],
    [
      cookie.httpOnly === false,
      'cookie.httpOnly: false lets injected scripts read the cookie: leave it true'
    ],
    [
      cookie.secure === false && process.env.NODE_ENV === 'production',
      "cookie.secure: false in production sends the cookie without TLS, too: leave it 'auto', or set it to true"
    ],
    [!!cookie.expires, 'cookie.expires ends the cookies of all sessions at one moment: take cookie.maxAge'],
    [
      autoCommit === false && saveUninitialized === true,
      'saveUninitialized has no effect with autoCommit: false: leave it out, and call save() on a new session'
    ],
    [
      isStateless && !!(genid ?? merge ?? signed === false),
      'genid, merge and signed: false have no effect with a CookieStore: it seals ids of its own, and never compares: leave them out'
    ],
    [timeout <= 10, `timeout is ${timeout} milliseconds, too few for a store on a network: ${meant}`]
  ]
  for (const [holds, message] of found) if (holds) warnOnce('HOLDFAST_OPTIONS', message)
}

/** Warns, once each, of lives that hardly anybody means. */
export function warnOfTimes({ idleTimeout, lifetime = Infinity, rememberFor, cookie }: Times): void {
  const lives = { idleTimeout, lifetime, rememberFor, 'cookie.maxAge': cookie?.maxAge }
  const warn = (message: string) => warnOnce('HOLDFAST_TIMES', message)
  for (const [name, life] of Object.entries(lives)) {
    if (life && looksLikeSeconds(life))
      warn(`${name} is ${life} milliseconds: if seconds were meant, take ${life * 1000}`)
  }
  if ((rememberFor ?? Infinity) < (cookie?.maxAge ?? 0))
    warn(
      'rememberFor is below cookie.maxAge, so that remember: true shortens the cookie: raise rememberFor, or leave it out'
    )
  if (idleTimeout === undefined || lifetime >= idleTimeout) return
  warn(
    `lifetime is ${lifetime} milliseconds, below idleTimeout, which can never end a session: raise it, or lower idleTimeout`
  )
}
