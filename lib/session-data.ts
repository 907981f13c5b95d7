/**
 * The keys of your sessions, for TypeScript. Declare them once, and `req.session` has them:
 *
 * ```ts
 * declare module 'holdfast' {
 *   interface SessionData { userinfo?: string; count?: number }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- it is there to be augmented
export interface SessionData {}

/** Values that JSON cannot hold. A Date and whatever else has `toJSON` come back as what that makes of them. */
type Lost =
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<object, unknown>
  | WeakSet<object>
  | RegExp
  | Promise<unknown>
  | bigint
  | symbol
  | ((...args: never) => unknown)

type ItemOf<Value> = Value extends readonly (infer Item)[] ? Item : Value
type IsAny<Value> = 0 extends 1 & Value ? true : false

/** An object with a name and a message may be a contact form: only an Error has a stack as well. */
type IsError<Value> = Value extends Error ? ('stack' extends keyof Value ? true : false) : false

/** The parts of a union that JSON cannot hold. Nobody knows about `any`, which therefore stays. */
type LostIn<Value> =
  IsAny<Value> extends true ? never : Value extends Lost ? Value : true extends IsError<Value> ? Value : never

/** The types of a key in the members of a union. */
type At<Data, Key> = Data extends unknown ? (Key extends keyof Data ? Data[Key] : never) : never
type KeyOf<Data> = Data extends unknown ? keyof Data : never
type IsUnion<Data, Members = Data> = Data extends unknown ? ([Members] extends [Data] ? false : true) : never

/** A union as one object: a session may lack any key, and the values of a union's member belong to no other one. */
type Merged<Data extends object> = true extends IsUnion<Data> ? { [Key in KeyOf<Data>]: At<Data, Key> } : Data

/** Data with no key but those of `Of`, also if they are not written down where they are given. */
export type Known<Given, Of> = Given & Record<Exclude<keyof Given, keyof Of>, never>

/**
 * Some of the data, also with `undefined` under `exactOptionalPropertyTypes`: without it, a session in which a key was set
 * could not be used as one in which the key may be `undefined`, as the options of its methods would differ.
 */
export type Given<Data> = { [Key in keyof Data]?: Data[Key] | undefined }

/**
 * The keys of a session, each of which may be absent; of a union, the keys of all its members. A key accepts no value if
 * JSON cannot hold its type.
 */
export type Stored<Data extends object> = { [Key in keyof Merged<Data>]?: Storable<Merged<Data>[Key]> }

type Storable<Value> = [LostIn<ItemOf<Value>>] extends [never] ? Value : never
