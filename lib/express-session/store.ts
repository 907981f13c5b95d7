import { EventEmitter } from 'node:events'
import { inherits } from 'node:util'
import type { Answer, ExpressStore } from '../repository/express-store'
import { inflate, type Owner, type Session } from './session'

/** The base class of stores for express-session. */
export interface Store extends EventEmitter, ExpressStore {
  /** Makes a new session `req.session`. The middleware sets it. */
  generate(req: Owner): void
  /** Ends the session of a request, and makes a new one. */
  regenerate(req: Owner, callback: Answer): void
  /** The session kept under `id`, without a request; undefined where there is none. */
  load(id: string, callback: Answer<Session>): void
  /** Makes a session of what `get` gave, `req.session`. */
  createSession(req: Owner, data: object): Session
}

/** A function and not a class, as stores of the old style say `Store.call(this)`. */
export const Store = function Store(this: EventEmitter) {
  EventEmitter.call(this)
} as unknown as { new (): Store; prototype: Store }

inherits(Store, EventEmitter)

Store.prototype.regenerate = function (req, callback) {
  this.destroy(req.sessionID as string, (error) => {
    this.generate(req)
    callback(error)
  })
}

Store.prototype.load = function (id, callback) {
  this.get(id, (error, data) => {
    if (error) return callback(error)
    if (!data) return callback()
    callback(null, this.createSession({ sessionID: id, sessionStore: this }, data))
  })
}

Store.prototype.createSession = function (req, data) {
  return inflate(req, data)
}
