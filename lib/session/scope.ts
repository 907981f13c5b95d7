import type { Clocks } from './lifetime'
import type { SessionCookie } from '../cookie/session-cookie'
import type { Repository } from '../repository/repository'
import type { Session } from './session'

/** The options that decide how a session is kept. */
export interface SessionSettings extends Clocks {
  /** Milliseconds for each load and each commit. */
  readonly timeout: number
  /** Whether a cookie with an age is sent again when half of it has passed. */
  readonly renew: boolean
  /** Whether the cookie is sent again by every response. */
  readonly rolling: boolean
  readonly saveUninitialized: boolean
  /** Whether the response stores what changed; else only `save` and `update` do. */
  readonly autoCommit: boolean
  readonly onGone: 'error' | 'drop'
  readonly onStoreError: 'fail' | 'anonymous'
  /** Whose a session is. */
  readonly user?: ((session: Session) => string | null | undefined) | undefined
}

/** What the sessions of one request need to know. */
export interface SessionContext {
  readonly settings: SessionSettings
  readonly repository: Repository
  /** The cookie as the configuration makes it for this request. */
  readonly defaults: SessionCookie
  createId(): string
  /** Throws for a cookie that must not be sent. */
  checkCookie(cookie: SessionCookie): void
  /** Whether the application accepts what was loaded. */
  isValid(look: () => Session): boolean | Promise<boolean>
  /** The application's last look at what is about to be stored. */
  beforeSave(session: Session): void
  /** Whether a cookie can still be sent. */
  canAnnounce(): boolean
}
