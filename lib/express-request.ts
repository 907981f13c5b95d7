import type { SessionData } from './session-data'

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- where Express looks for additions to its request
  namespace Express {
    /** Each entry declares what a request has with it, under its own name. */
    // oxlint-disable-next-line typescript/no-empty-object-type -- the entries add to it
    interface SessionEntries {}

    /** The members of a request, from the one entry that an application uses. */
    type SessionEntry = SessionEntries extends { holdfast: infer Entry }
      ? Entry
      : SessionEntries[keyof SessionEntries]

    type Assigned<Entry> = Entry extends { assigned: infer Value } ? Value : never
    type SessionIdOf<Entry> = Entry extends { id: infer Id } ? Id : string

    interface Request {
      /** The session. After `destroy()` it is undefined. */
      get session(): SessionEntry['session']
      /** An object replaces the data; null ends the session. */
      set session(value: SessionEntry['session'] | Assigned<SessionEntry>)
      /** The session id: a secret, not for logs. */
      sessionID: SessionIdOf<SessionEntry>
      sessionStore: SessionEntry['sessionStore']
    }
  }
}

/** The keys that the application declared for its sessions, in `import` or in `require`. */
export type DeclaredData = Express.SessionEntries extends { holdfast: { data: infer Data extends object } }
  ? Data
  : SessionData
