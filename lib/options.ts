import type { CallbackStore } from './repository/express-store'
import type { CookieOptions } from './cookie/attributes'
import type { Merge } from './repository/merge'
import type { Session } from './session/session'
import type { SessionRequest } from './request'
import type { Store } from './stores/store'
import type { Transport } from './cookie/transport'

/** When a session is read: before the handler runs, or when the handler asks for it. */
export type LoadMode = 'eager' | 'lazy'

/**
 * What `session()` takes. All durations are milliseconds.
 *
 * @typeParam S - a session with the keys that the application declared
 */
export interface SessionOptions<S extends Session = Session> {
  /**
   * What signs the cookie (HMAC-SHA-256); 32 bytes or more. Of several, the first signs and each verifies: put a new
   * one in front, and remove the old one when its cookies have had time to be signed anew. Required.
   */
  secret: string | Buffer | readonly (string | Buffer)[]

  /**
   * Where sessions are kept. A store written for express-session works, too, without the second promise in full: it has
   * no conditional write. A function chooses for each request, between stores that stay the same. Default: a `MemoryStore`, which forgets at a restart and serves one process.
   */
  store?: Store | CallbackStore | ((req: SessionRequest) => Store | CallbackStore) | undefined

  /**
   * Whether the cookie carries a signature. Without one, whoever guesses an id has the session, so that ids are all the
   * protection there is. Default true.
   */
  signed?: boolean | undefined

  /**
   * How the session id travels, for clients that keep no cookies: `headerTransport('x-session-id')`, or an object of
   * one's own. Default: in a cookie.
   */
  transport?: Transport | undefined

  /** The name of the cookie. Default `'sid'`. */
  name?: string | undefined

  /** The attributes of the cookie. Default: `path: '/'`, `httpOnly`, `secure: 'auto'`, `sameSite: 'lax'`, no `maxAge`. */
  cookie?: CookieOptions | undefined

  /**
   * How long a session lives without being used, in milliseconds. Default: `cookie.maxAge` where that is given, else
   * one day. With `load: 'lazy'`, a request whose handler never asks for the session does not use it.
   */
  idleTimeout?: number | undefined

  /**
   * How long a session lives at most, in milliseconds, however much it is used. Default 30 days; `Infinity` switches
   * it off.
   */
  lifetime?: number | undefined

  /**
   * `'eager'` reads the session before the handler runs, so that all code written for `req.session.x` works. `'lazy'`
   * reads it when the handler says `await req.session.load()` or `update`; a route that does neither costs no round
   * trip. A function decides for each request. Default `'eager'`.
   */
  load?: (LoadMode | ((req: SessionRequest) => LoadMode)) | undefined

  /**
   * Sends the cookie again with every response, so that a cookie with `maxAge` starts over each time. By a response
   * that wrote nothing only after the store said that the session is still there. Needs `load: 'eager'`. Default false.
   */
  rolling?: boolean | undefined

  /** Sends a cookie with a `maxAge` again when half of it has passed. Default true. */
  renew?: boolean | undefined

  /** Stores new sessions that nobody put anything into, and sends their cookie. Needs `load: 'eager'`. Default false. */
  saveUninitialized?: boolean | undefined

  /**
   * Makes the id of a new session: 1 to 128 characters of A–Z a–z 0–9 - _, and never the same twice. With fewer than
   * 128 random bits (OWASP ASVS 5.0, 7.2.3), guessing ids becomes possible: that risk is the application's. Default:
   * 256 random bits.
   */
  genid?: ((req: SessionRequest) => string) | undefined

  /**
   * Whether to believe `X-Forwarded-Proto` on the question of whether the connection is secure: true always, false
   * never. Default: as Express's `req.secure` says, which follows its setting `trust proxy`.
   */
  proxy?: boolean | undefined

  /** How long each load and each commit may wait for the store, in milliseconds, retries included. Default 1000. */
  timeout?: number | undefined

  /**
   * What becomes of changes to a session that was destroyed, regenerated or expired meanwhile: `'error'` rejects with
   * `ERR_SESSION_GONE`, `'drop'` drops them with a message on the diagnostics channel. Default `'error'`.
   */
  onGone?: 'error' | 'drop' | undefined

  /**
   * What becomes of a request whose session cannot be read, because the store failed: `'fail'` answers 503;
   * `'anonymous'` gives it an empty session that is never stored and never replaces the visitor's cookie, while
   * changes to it fail with 503. Default `'fail'`.
   */
  onStoreError?: 'fail' | 'anonymous' | undefined

  /**
   * Merges what this request and another one made of a session, where both committed. Default: by top-level key; a
   * key that this request changed takes its value, every other key is the other's.
   */
  merge?: Merge | undefined

  /**
   * Whether a loaded session counts: false, and the visitor is anonymous, with a new id. Its record stays as it is.
   * Default: every session does.
   */
  valid?: ((req: SessionRequest, session: Session) => boolean | Promise<boolean>) | undefined

  /**
   * A last look at a session that is about to be stored; what it changes is stored, too. With `update` it sees what the
   * function made of it, and may be called again. What it throws, the commit fails with.
   */
  beforeSave?: ((req: SessionRequest, session: Session) => void) | undefined

  /**
   * Whose a session is: a text that names the user, or undefined (null, `''`) for nobody's. Makes `sessions.list(user)` and
   * `sessions.destroy(user)` work, on a store with an index, as MemoryStore and RedisStore have one. Asked at each commit,
   * with the session as it will be stored, whose methods it must not call. Default: no session is anybody's.
   */
  user?: { of(session: S): string | null | undefined }['of'] | undefined

  /**
   * Whether the response stores what changed. With false only `save` and `update` store, and a new id from
   * `regenerate` comes into being with the next of them. Default true.
   */
  autoCommit?: boolean | undefined

  /**
   * The text that a store keeps for a session, made of an object of JSON values. With `deserialize`, which is its
   * inverse, throws for what it cannot read, and whose object becomes the session. Default: `JSON.stringify`.
   */
  serialize?: ((record: Record<string, unknown>) => string) | undefined

  /** See `serialize`. Default: `JSON.parse`. */
  deserialize?: ((text: string) => Record<string, unknown>) | undefined

  /** The most that one session may take in the store, in bytes of its text. Default 1 MiB. */
  maxBytes?: number | undefined

  /** How deep objects and arrays in a session may be nested. Default 100. */
  maxDepth?: number | undefined
}

/** Options that have no default but to be absent. */
type Absent = 'valid' | 'beforeSave' | 'user' | 'serialize' | 'deserialize' | 'transport' | 'merge' | 'proxy'

type Defined<T> = { [Key in keyof T]-?: Exclude<T[Key], undefined> }

/** The options with their defaults, checked. */
export interface Settings
  extends Defined<Omit<SessionOptions, 'secret' | 'cookie' | Absent>>, Pick<SessionOptions, Absent> {
  readonly secrets: readonly (string | Buffer)[]
  readonly cookie: CookieOptions
}
