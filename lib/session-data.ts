/**
 * The application's own keys in a session, for TypeScript: declare them once, and `req.session` has them.
 *
 * ```ts
 * declare module 'holdfast' {
 *   interface SessionData { userinfo?: string; count?: number }
 * }
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is there to be augmented
export interface SessionData {}

/** Values that JSON cannot hold. A Date and whatever else has `toJSON` come back as what that makes of them. */
type Lost =
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<object, unknown>
  | WeakSet<object>
  | RegExp
  | Error
  | Promise<unknown>
  | bigint
  | symbol
  | ((...args: never) => unknown)

/** The keys of a session, each of which may be absent; a key whose type JSON cannot hold takes nothing. */
export type Stored<Data extends object> = {
  [Key in keyof Data]?: [
    Extract<Data[Key] extends readonly (infer Item)[] ? Item : Data[Key], Lost>
  ] extends [never]
    ? Data[Key]
    : never
}
