// An application's file that exports without annotations, and adds to each type of express-session. The test puts the
// imports in front of it, and lets the compiler write its declarations.
declare module 'express-session' {
  interface SessionData {
    user: { name: string }
  }
  interface Session {
    greeting?: string
  }
  interface Cookie {
    label?: string
  }
  interface CookieOptions {
    label?: string
  }
  interface SessionOptions {
    label?: string
  }
}

export const options: session.SessionOptions = { secret: ['one', Buffer.from('two')], label: 'web' }
export const attributesOfCookie: session.CookieOptions = { path: '/', label: 'web' }
export const cookie = new session.Cookie()
export const memory = new session.MemoryStore()
export const all = session
export const sessionOf = (req: express.Request) => req.session
export const cookieOf = (req: express.Request) => req.session.cookie
export const storeOf = (req: express.Request) => req.sessionStore
export const attributesOf = (given: session.SessionOptions) => given.cookie
export const secretOf = (given: session.SessionOptions) => given.secret
export const copyOf = (given: session.SessionOptions) => ({ ...given })
export const create = (store: session.Store, req: express.Request, data: session.SessionData) =>
  store.createSession(req, data)
export const given: Parameters<typeof session>[0] = options
export const middleware: ReturnType<typeof session> = session(given)

export function greet(current: session.Session): string {
  current.cookie.label = 'web'
  return (current.greeting ??= 'hello')
}

// A store whose methods are properties, as tests write them.
export class PropertyStore extends session.Store {
  override get = (_sid: string, callback: (err: any, data?: session.SessionData | null) => void) =>
    callback(null, null)
  override set = (_sid: string, _data: session.SessionData, callback?: (err?: any) => void) => callback?.()
  override destroy = (_sid: string, callback?: (err?: any) => void) => callback?.()
}
