import { createHandle } from './handle'
import { sameValue, type Data } from './merge'
import { decodeMeta, encodeData } from './record'
import type { Draft } from './repository'
import { META } from './reserved'
import type { Snapshot } from './snapshot'

/** A session object as a store with callbacks gave it, or was handed it. */
export class LiveSnapshot implements Snapshot {
  readonly cookie: unknown
  readonly sent: number | undefined
  /** The data as JSON text: what they were at this moment, whatever becomes of the object. */
  readonly text: string
  readonly #reserved: ReadonlySet<string>
  readonly #isForeign: boolean
  #handle: string | undefined

  /**
   * @param live - the store's own object: some keep more in it than JSON can tell, and want it back
   * @param reserved - names that are not the application's
   */
  constructor(
    readonly live: Data,
    reserved: ReadonlySet<string>
  ) {
    const meta = decodeMeta(live[META])
    this.#handle = meta?.handle
    this.#isForeign = !meta
    this.sent = meta?.sent
    // A copy: the object's own goes on changing.
    this.cookie = meta ? meta.cookie : JSON.parse(JSON.stringify(live.cookie ?? null))
    this.#reserved = reserved
    this.text = encodeData(this.data())
  }

  /** The object with a cookie that gives it this life. What another library wrote keeps the age of its cookie. */
  living(ttl: number): object {
    const own = (this.cookie as { originalMaxAge?: number | null } | undefined)?.originalMaxAge
    return Object.assign(this.live, { cookie: keptCookie(ttl, this.#isForeign ? own : undefined) })
  }

  get handle(): string {
    return (this.#handle ??= createHandle())
  }

  data(): Data {
    const { live } = this
    const keys = Object.keys(live).filter((key) => key !== 'cookie' && !this.#reserved.has(key))
    return Object.fromEntries(keys.map((key) => [key, live[key]]))
  }
}

/**
 * The session object for a store with callbacks. Its cookie tells how long it is to live, which is where these stores
 * look. What did not change since `latest` stays the object that the store gave: a Date stays a Date.
 */
export function toRecord(
  { text, cookie, ttl, ...meta }: Pick<Draft, 'text' | 'cookie' | 'ttl' | 'handle' | 'sent'>,
  latest: LiveSnapshot | null
): Data {
  const data = JSON.parse(text) as Data
  for (const key of Object.keys(data)) {
    if (latest && sameValue(latest.live, data, key)) data[key] = latest.live[key]
  }
  return { ...data, cookie: keptCookie(ttl), [META]: { v: 1, ...meta, cookie, revs: [] } }
}

/** A cookie that tells a store how long to keep the session, in each of the places where stores look. */
export function keptCookie(ttl: number, originalMaxAge: number | null = ttl): object {
  const expires = new Date(Date.now() + ttl)
  return Object.defineProperties(
    { originalMaxAge, expires },
    { _expires: { value: expires }, maxAge: { get: () => expires.getTime() - Date.now() } }
  )
}
