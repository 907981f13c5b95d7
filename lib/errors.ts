const STATUS = {
  /** An option is wrong. Thrown at start, or where the options are used. */
  ERR_SESSION_OPTIONS: 500,
  /** A handler used a lazy session before `await req.session.load()`. */
  ERR_SESSION_NOT_LOADED: 500,
  /** The store failed; whether a write was applied is unknown. */
  ERR_SESSION_STORE: 503,
  /** The store did not answer within `timeout`; whether a write was applied is unknown. */
  ERR_SESSION_TIMEOUT: 503,
  /** The session was destroyed, regenerated or expired while this request ran; nothing was written. */
  ERR_SESSION_GONE: 409,
  /** What the handler put into the session, or into its cookie settings, cannot be stored or sent. */
  ERR_SESSION_DATA: 500,
  /** A session was created after the response headers had gone, so that its cookie cannot be sent. */
  ERR_SESSION_HEADERS_SENT: 500
} as const

/** The stable codes of {@link SessionError}; compare these, never messages. */
export type SessionErrorCode = keyof typeof STATUS

/**
 * Every error that Holdfast makes. The message says what happened and what to do; it never holds a session id,
 * a cookie value or a secret (OWASP ASVS 5.0, 16.2.5).
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  /** What went wrong. */
  readonly code: SessionErrorCode
  /** The HTTP status that Express's error handling answers with. */
  readonly status: number
  /** The same as `status`, under the other name that Express and Connect look for. */
  readonly statusCode: number
  /** Headers that Express's own error handler adds, such as `Retry-After` (RFC 9110, 10.2.3). */
  headers?: Record<string, string>

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.status = this.statusCode = STATUS[code]
  }
}

/** @throws SessionError `ERR_SESSION_OPTIONS` unless it holds; the message names what was given, and the remedy. */
export function need(holds: unknown, message: string): asserts holds {
  if (!holds) throw new SessionError('ERR_SESSION_OPTIONS', message)
}
