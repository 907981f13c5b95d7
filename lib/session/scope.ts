import type { SessionCookie } from '../cookie/session-cookie'
import type { Verified } from '../cookie/signature'
import type { SessionRequest } from '../request'
import type { Repository } from '../repository/repository'
import type { StandardSchema } from '../standard-schema'
import type { Session } from './session'

/** An id from the request whose signature was right. */
export type VerifiedId = Verified

/** The two clocks of a session, in milliseconds. */
export interface Lifetimes {
  /** How long a session lives without being used. */
  readonly idleTimeout: number
  /** How long a session lives at most, however much it is used. */
  readonly lifetime: number
}

/** The options that decide how a session is kept. */
export interface SessionSettings extends Lifetimes {
  /** The name of the cookie. */
  readonly name: string
  /** Milliseconds for each load and each commit. */
  readonly timeout: number
  /** When the cookie is sent again: when half of its age has passed, by every response, or never. */
  readonly renew: 'half' | 'always' | 'never'
  readonly saveUninitialized: boolean
  /** Whether the response stores what changed; else only `save` and `update` do. */
  readonly autoCommit: boolean
  readonly whenGone: 'throw' | 'drop'
  readonly whenUnreadable: 'throw' | 'anonymous'
  /** Makes the id of a new session. */
  readonly genid: (req: SessionRequest) => string
  /** The user of a session. */
  readonly user?: ((session: Session) => string | null | undefined) | undefined
  /** Whether the application accepts what was loaded. */
  readonly valid?: ((req: SessionRequest, session: Session) => boolean | Promise<boolean>) | undefined
  /** What the application's data have to be like. */
  readonly schema?: StandardSchema | undefined
  /** Milliseconds that the cookie of a remembered visitor lives from each use. */
  readonly rememberFor: number
  /** The application's last look at what is about to be stored. */
  readonly beforeSave?: ((req: SessionRequest, session: Session) => void) | undefined
}

/** The part of a request that its session needs. */
export interface SessionScope {
  readonly settings: SessionSettings
  readonly repository: Repository
  readonly req: SessionRequest
  /** The ids that the request brought. */
  readonly ids: readonly VerifiedId[]
  /** The cookie as the configuration makes it for this request. */
  readonly defaults: SessionCookie
  /** Whether the response can still carry a cookie. */
  canSendCookie(): boolean
}
