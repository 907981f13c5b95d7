/** Copies of which this differs have nothing in common: to be raised when the form of something that is shared changes. */
export const FORM = 1

/**
 * The one object of this name for all copies of the library in the process: npm installs a second copy below a package that
 * asks for another version, and both may be handed the same requests, sessions and stores.
 */
export function shared<T extends object>(name: string, make: () => T): T {
  const all = globalThis as Record<symbol, T | undefined>
  return (all[Symbol.for(`holdfast.${FORM}.${name}`)] ??= make())
}
