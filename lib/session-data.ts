/**
 * The keys of your sessions, for TypeScript. Declare them once, and `req.session` has them:
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

/** The keys of a session, each of which may be absent. A key accepts no value if JSON cannot hold its type. */
export type Stored<Data extends object> = {
  [Key in keyof Data]?: [
    Extract<Data[Key] extends readonly (infer Item)[] ? Item : Data[Key], Lost>
  ] extends [never]
    ? Data[Key]
    : never
}
