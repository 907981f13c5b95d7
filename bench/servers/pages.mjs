import { content } from '../content.mjs'

/** What the handlers of a server without sessions get instead of one. */
const none = { userinfo: 'test', count: 0 }
export const bare = {
  open: () => none,
  login: () => undefined,
  update: () => undefined
}

/**
 * The handlers, by path, the same for every library. Each takes what the framework calls a request, and resolves to
 * the body of the response.
 *
 * @param library - `open(req)`: its session, or a promise of it; `login(req, data)`: gives it a new id and this data;
 *   `update(req, fn)`: changes the stored state, where the library has that
 */
export function pagesOf({ open, login, update }) {
  return {
    '/untouched': async () => 'ok',
    '/read': async (req) => (await open(req)).userinfo,
    '/change': async (req) => {
      const session = await open(req)
      session.count++
      return 'ok'
    },
    '/login': async (req) => {
      await login(req, content('small'))
      return 'ok'
    },
    '/update': async (req) => {
      await update(req, (session) => session.count++)
      return 'ok'
    },
    ...Object.fromEntries(['small', 'medium', 'large'].map((size) => [`/begin/${size}`, begin(size)]))
  }

  function begin(size) {
    return async (req) => {
      Object.assign(await open(req), content(size))
      return 'ok'
    }
  }
}
