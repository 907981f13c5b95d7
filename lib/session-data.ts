/**
 * The application's own keys in a session, for TypeScript: declare them once, and `req.session` has them.
 *
 * ```ts
 * declare module 'holdfast' {
 *   interface SessionData { userinfo?: string }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be augmented
export interface SessionData {}
