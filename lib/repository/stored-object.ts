import { createHandle, decodeMeta, encodeData, META } from './record'
import type { Data } from './merge'
import type { StoredSession } from './stored-session'

/** A session object as a store written for express-session gave it, or was handed it. */
export class StoredObject implements StoredSession {
  readonly cookie: unknown
  readonly sent: number | undefined
  /** The data as JSON text: what they were at this moment, whatever becomes of the object. */
  readonly text: string
  readonly #reserved: ReadonlySet<string>
  readonly #isForeign: boolean
  #handle: string | undefined

  /**
   * @param live - the store's own object: some keep more in it than JSON can express, and want it back
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

  /** The object with a cookie that gives it this life. If another library wrote it, it keeps the age of its cookie. */
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

/** A cookie that tells a store how long to keep the session, in each of the places where stores look. */
export function keptCookie(ttl: number, originalMaxAge: number | null = ttl): object {
  const expires = new Date(Date.now() + ttl)
  return Object.defineProperties(
    { originalMaxAge, expires },
    { _expires: { value: expires }, maxAge: { get: () => expires.getTime() - Date.now() } }
  )
}
