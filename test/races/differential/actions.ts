import type { Request } from 'express'
import { type AppSession, sessionOf } from '../../express-session/support/implementations'

/** What an application keeps in a session. A key without a value is not there. */
export type Data = Record<string, unknown>

/** What a handler has to do its work. */
export interface Work {
  readonly req: Request
  /** The name of the request, which makes its keys and values different from all others. */
  readonly name: string
  /** The time that a handler takes for everything else, a database for instance. */
  think(): Promise<unknown>
}

export interface Action {
  perform(work: Work): unknown
  /** The keys that it changes, of the session that is `req.session` at the end; undefined: deleted. */
  writes?(name: string): Data
  /** The session that the cookie names ends. */
  ends?: true
  /** Makes a session with a new id, that has what this request found in the old one. */
  copies?: true
}

const own = (name: string): Data => ({ [name]: name })
const twoOwn = (name: string): Data => ({ [name]: name, [`${name}, later`]: name })
const shared = (name: string): Data => ({ shared: name })
const login = (name: string): Data => ({ user: `user of ${name}`, shared: name })

/** The data of a session, without what a store adds: session-file-store notes the time of each access. */
export function dataOf({ cookie: _cookie, __lastAccess: _time, ...data }: AppSession): Data {
  return data
}

/** What requests do, as applications written for express-session do it. */
export const ACTIONS = {
  read: { perform: ({ think }) => think() },
  'write a key': { perform: write(own), writes: own },
  'write the shared key': { perform: write(shared), writes: shared },
  'delete the shared key': {
    async perform({ req, think }) {
      await think()
      delete sessionOf(req).shared
    },
    writes: () => ({ shared: undefined })
  },
  save: {
    async perform({ req, name, think }) {
      Object.assign(sessionOf(req), own(name))
      await call(req, 'save')
      await think()
      Object.assign(sessionOf(req), twoOwn(name))
    },
    writes: twoOwn
  },
  'save without waiting': {
    async perform({ req, name, think }) {
      await think()
      Object.assign(sessionOf(req), own(name))
      void sessionOf(req).save()
    },
    writes: own
  },
  touch: {
    async perform({ req, think }) {
      await think()
      sessionOf(req).touch()
    }
  },
  reload: {
    async perform({ req, name, think }) {
      await think()
      if (hasData(req)) await call(req, 'reload')
      await think()
      Object.assign(sessionOf(req), own(name))
    },
    writes: own
  },
  logout: {
    async perform({ req, think }) {
      await think()
      await call(req, 'destroy')
    },
    ends: true
  },
  'logout without waiting': {
    async perform({ req, think }) {
      await think()
      void sessionOf(req).destroy()
    },
    ends: true
  },
  login: {
    async perform({ req, name, think }) {
      await think()
      await call(req, 'regenerate')
      Object.assign(sessionOf(req), login(name))
    },
    writes: login,
    ends: true
  },
  'change the id': {
    async perform({ req, name, think }) {
      await think()
      const data = dataOf(sessionOf(req))
      await call(req, 'regenerate')
      Object.assign(sessionOf(req), data, own(name))
    },
    writes: own,
    ends: true,
    copies: true
  }
} as const satisfies Record<string, Action>

export type ActionName = keyof typeof ACTIONS

function write(data: (name: string) => Data): Action['perform'] {
  return async ({ req, name, think }) => {
    await think()
    Object.assign(sessionOf(req), data(name))
  }
}

function hasData(req: Request): boolean {
  return Object.keys(dataOf(sessionOf(req))).length > 0
}

function call(req: Request, method: 'save' | 'reload' | 'regenerate' | 'destroy'): Promise<void> {
  return new Promise((resolve, reject) => {
    sessionOf(req)[method]((error?: unknown) => (error instanceof Error ? reject(error) : resolve()))
  })
}
