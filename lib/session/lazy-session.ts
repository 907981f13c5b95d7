import { SessionError } from '../errors'
import { refuseDestroyed, type Session } from './session'

const AVAILABLE: ReadonlySet<string> = new Set(['load', 'update', 'regenerate', 'destroy', 'id'])

/** Names that promises, loggers and template engines look at, whatever the object: a session is none of these. */
const PASSIVE: ReadonlySet<string> = new Set(['then', 'toJSON', 'constructor'])

/** The request that it belongs to. */
interface Request {
  /** Once the session is loaded. */
  readonly current: { readonly session: Session } | undefined
  /** Undefined after `destroy()`. */
  readonly session: Session | undefined
}

/**
 * What `req.session` is before `load()`: it offers what needs no data, and refuses the rest instead of answering
 * undefined. Once the session is loaded, it passes everything on, so that a reference taken early works on.
 *
 * @param unloaded - a session without data, whose methods are offered
 */
export function createLazySession(unloaded: Session, request: Request): Session {
  const loaded = () => request.current?.session
  const missing = (key: string | symbol) => (request.session ? refuse(key) : refuseDestroyed())
  const need = (session: Session | undefined, key: string | symbol) => session ?? missing(key)
  return new Proxy(unloaded, {
    get(_unloaded, key) {
      const session = loaded()
      if (session) return bound(session, key)
      if (typeof key === 'symbol') return Reflect.get(unloaded, key, unloaded) as unknown
      if (AVAILABLE.has(key)) return bound(unloaded, key)
      // A caller of it wants the data.
      if (key === 'toJSON') return () => missing(key)
      if (PASSIVE.has(key)) return Reflect.get(unloaded, key, unloaded) as unknown
      return missing(key)
    },
    has(_unloaded, key) {
      const session = loaded()
      if (session) return Reflect.has(session, key)
      if (typeof key === 'symbol' || PASSIVE.has(key)) return Reflect.has(_unloaded, key)
      if (AVAILABLE.has(key)) return true
      return missing(key)
    },
    set: (_unloaded, key, value) => Reflect.set(need(loaded(), key), key, value),
    deleteProperty: (_unloaded, key) => Reflect.deleteProperty(need(loaded(), key), key),
    defineProperty: (_unloaded, key, descriptor) =>
      Reflect.defineProperty(need(loaded(), key), key, descriptor),
    ownKeys: () => Reflect.ownKeys(need(loaded(), 'keys')),
    getOwnPropertyDescriptor(_unloaded, key) {
      const session = loaded()
      const isPassive = typeof key === 'symbol' || PASSIVE.has(key)
      return Reflect.getOwnPropertyDescriptor(
        session || isPassive ? (session ?? unloaded) : need(session, key),
        key
      )
    }
  })
}

/** Methods run on the session itself: its private members cannot be reached through a proxy. */
function bound(session: Session, key: string | symbol): unknown {
  const value: unknown = Reflect.get(session, key, session)
  const isMethod = typeof value === 'function' && key !== 'constructor' && !Object.hasOwn(session, key)
  return isMethod ? (value.bind(session) as unknown) : value
}

function refuse(key: string | symbol): never {
  const name = String(key)
  throw new SessionError(
    'ERR_SESSION_NOT_LOADED',
    `req.session.${name} was used before the session was loaded: write \`await req.session.load()\` in front of it, ` +
      'use the middleware loadSession, or change individual values with `await req.session.update(…)`'
  )
}
