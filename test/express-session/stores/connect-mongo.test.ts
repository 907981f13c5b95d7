import { type SessionData, Store } from 'express-session'
import { suite } from './suite'

type Stored = SessionData & { lastModified?: unknown }
type Done = (error?: unknown, session?: Stored | null) => void

interface Document {
  text: string
  expires: number
  lastModified: Date
}

/**
 * Treats the session as connect-mongo does with `touchAfter`, on a Map in the place of MongoDB: `get` puts the date of
 * the last write on it, `touch` compares with that, and `set` takes it off again.
 */
class MongoLike extends Store {
  readonly documents = new Map<string, Document>()

  get(id: string, done: Done): void {
    const found = this.documents.get(id)
    const alive = found && found.expires > Date.now()
    const stored = alive ? { ...(JSON.parse(found.text) as Stored), lastModified: found.lastModified } : null
    setImmediate(done, null, stored)
  }

  override set(id: string, session: Stored, done: Done = () => undefined): void {
    const { lastModified } = session
    // A session that this process has just made has no date yet.
    if (lastModified !== undefined && !(lastModified instanceof Date))
      return done(new Error('set: not a date'))
    delete session.lastModified
    const document = { text: JSON.stringify(session), expires: expiry(session), lastModified: new Date() }
    this.documents.set(id, document)
    setImmediate(done, null)
  }

  override touch(id: string, session: Stored, done: Done = () => undefined): void {
    const found = this.documents.get(id)
    if (!found) return done(new Error('touch: no session'))
    try {
      ;(session.lastModified as Date | undefined)?.getTime()
      found.expires = expiry(session)
      setImmediate(done, null)
    } catch (error) {
      done(error)
    }
  }

  destroy(id: string, done: Done = () => undefined): void {
    this.documents.delete(id)
    setImmediate(done, null)
  }
}

function expiry({ cookie }: SessionData): number {
  return new Date(cookie.expires!).getTime()
}

suite('what connect-mongo relies on,', () => {
  const store = new MongoLike()
  return {
    store,
    pass: (id, ms, age) => {
      const found = store.documents.get(id)!
      Object.assign(found, { text: age(found.text), expires: found.expires - ms })
    }
  }
})
