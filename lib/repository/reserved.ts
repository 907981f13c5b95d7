/** The reserved name under which a text keeps what is Holdfast's own; never merged, never shown to handlers. */
export const META = '@'

/** The members of a session beside its data and `cookie`. */
export const MEMBERS = [
  'id',
  'handle',
  'isNew',
  'load',
  'update',
  'save',
  'reload',
  'regenerate',
  'destroy',
  'touch',
  'toJSON'
] as const

/** Names that an application cannot have for its data. */
export const RESERVED: ReadonlySet<string> = new Set([...MEMBERS, META, '__proto__'])
