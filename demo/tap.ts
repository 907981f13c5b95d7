import type { Store } from '../lib/index'

/** Runs a command of the store: sees its name, when it begins, and how it ends. */
export type Around = <T>(command: string, run: () => Promise<T>) => Promise<T>

const COMMANDS = new Set(['get', 'set', 'touch', 'destroy', 'life', 'add', 'list', 'renew', 'remove'])

/** The same store, each of its commands run by `around`: that of its index, too. */
export function tap<T extends Store | NonNullable<Store['index']>>(target: T, around: Around): T {
  return new Proxy(target, {
    get(_target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name === 'index' && value !== undefined) return tap(value as NonNullable<Store['index']>, around)
      if (typeof value !== 'function') return value
      const call = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (typeof name !== 'string' || !COMMANDS.has(name)) return call
      return (...args: unknown[]) => around(name, () => call(...args))
    }
  })
}
