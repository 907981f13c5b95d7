/** The attributes of the cookie, in the options. */
export interface CookieOptions {
  /** Life from each use, in milliseconds. Default: the cookie ends with the browser. */
  maxAge?: number | undefined
  partitioned?: boolean | undefined
  priority?: 'low' | 'medium' | 'high' | undefined
  signed?: boolean | undefined
  expires?: Date | null | undefined
  httpOnly?: boolean | undefined
  path?: string | undefined
  domain?: string | undefined
  secure?: boolean | 'auto' | undefined
  encode?: ((value: string) => string) | undefined
  sameSite?: boolean | 'lax' | 'strict' | 'none' | undefined
}

/** The settings of one session's cookie, `req.session.cookie`. */
export declare class Cookie implements CookieOptions {
  constructor(options?: CookieOptions)
  /** Life from each use, in milliseconds. */
  originalMaxAge: number | null
  /** The time that is left, in milliseconds. */
  maxAge?: number | undefined
  partitioned?: boolean | undefined
  priority?: 'low' | 'medium' | 'high' | undefined
  signed?: boolean | undefined
  expires?: Date | null | undefined
  httpOnly?: boolean | undefined
  path?: string | undefined
  domain?: string | undefined
  secure?: boolean | 'auto' | undefined
  sameSite?: boolean | 'lax' | 'strict' | 'none' | undefined
}

/**
 * What is in a session. An application declares its own keys once, and `req.session` has them:
 *
 * ```ts
 * declare module 'holdfast/express-session' {
 *   interface SessionData { user?: string }
 * }
 * ```
 */
export interface SessionData {
  cookie: Cookie
}
