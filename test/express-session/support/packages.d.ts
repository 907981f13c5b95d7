// What the tests use of packages without types, or with types that cannot be had here.

declare module 'lusca' {
  import type { RequestHandler } from 'express'

  export function csrf(): RequestHandler
}

declare module 'session-file-store' {
  import type session from 'express-session'

  function withSession(module: typeof session): new (options: object) => session.Store
  export = withSession
}

declare module 'connect-pg-simple' {
  import type session from 'express-session'

  function withSession(
    module: typeof session
  ): new (options: object) => session.Store & { close(): Promise<void> }
  export = withSession
}

// Its own types are those of an ES module only; what is loaded here is its CommonJS.
declare module 'next-connect' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  import type { RequestHandler } from 'express'

  type Handler = (req: IncomingMessage, res: ServerResponse) => unknown

  export function expressWrapper(middleware: RequestHandler): Handler
  export function createRouter(): {
    use(handler: Handler): void
    get(path: string, handler: Handler): void
    post(path: string, handler: Handler): void
    handler(options: { onError(error: Error, req: IncomingMessage, res: ServerResponse): void }): Handler
  }
}
