import { AsyncLocalStorage } from 'node:async_hooks'
import type { ExpressStore } from '../repository/express-store'
import { endUnderWay } from '../repository/express-store-repository'

/** Hears that a request has ended sessions by a method of the store. */
export interface Ender {
  /**
   * @param id - undefined: all sessions
   * @returns whether the request's own session is among them
   */
  ended(id: unknown): boolean
}

// Not the request itself: a connection that a pool opens while it runs would keep it in memory.
const current = new AsyncLocalStorage<WeakRef<Ender>>()
const watched = new WeakSet<object>()
let isOurs = false

/** Runs what handles a request, so that the ends which it asks of the store are known to be its own. */
export function runAs(ender: Ender, handle: () => void): void {
  current.run(new WeakRef(ender), handle)
}

/** Watches for applications that call `destroy` and `clear` of a store: a request that does so may store a session anew. */
export function watchEnds(store: object): void {
  if (watched.has(store)) return
  watched.add(store)
  for (const name of ['destroy', 'clear'] as const) {
    const method = (store as Record<string, unknown>)[name]
    if (typeof method !== 'function') continue
    Reflect.defineProperty(store, name, {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]): unknown {
        if (!isOurs) {
          const id = name === 'destroy' ? args[0] : undefined
          const answered = endUnderWay(store, id)
          const isOwn = current.getStore()?.deref()?.ended(id) === true
          const done = args.at(-1)
          if (isOwn || typeof done !== 'function') answered()
          else
            args[args.length - 1] = (...answers: unknown[]): unknown => {
              answered()
              return (done as (...answers: unknown[]) => unknown)(...answers)
            }
        }
        return method.apply(this, args)
      }
    })
  }
}

/** The store for calls of Holdfast's own, which may run on behalf of another request. */
export function unwatched(store: ExpressStore): ExpressStore {
  return new Proxy(store, {
    get(_, name: string) {
      // Looked up at each call, as applications replace methods.
      const method = (store as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>)[name]
      return method && ((...args: unknown[]) => quietly(() => method.apply(store, args)))
    }
  })
}

function quietly<T>(ask: () => T): T {
  isOurs = true
  try {
    return ask()
  } finally {
    isOurs = false
  }
}
