import { content } from '../content.mjs'

/** What the handlers of a server without sessions get instead of one. */
const none = { userinfo: 'test', count: 0 }
export const bare = {
  open: () => none,
  login: () => undefined,
  update: () => undefined
}

/**
 * The handlers, by path, the same for every library. Each takes a request and a response, as the framework calls them,
 * and makes no promise but its own, so that what is counted is the library's.
 *
 * @param library - `open(req)`: its session, or a promise of it where it is `lazy`; `login(req, data)`: gives it a new
 *   id and this data; `update(req, fn)`: changes the stored state, where the library has that; `save(req, res)`: stores
 *   a change, where the library does not do that by itself
 * @param answer - `answer(res, body)`: sends the response
 */
export function pagesOf({ open, lazy, login, update, save }, answer) {
  return {
    '/untouched': async (_req, res) => answer(res, 'ok'),
    '/read': async (req, res) => answer(res, (lazy ? await open(req) : open(req)).userinfo),
    '/change': async (req, res) => {
      const session = lazy ? await open(req) : open(req)
      session.count++
      if (save) await save(req, res)
      return answer(res, 'ok')
    },
    // Every connection changes a key of its own, so that whoever counts them sees what got lost.
    '/hit': async (req, res) => {
      const session = lazy ? await open(req) : open(req)
      const key = `hits${req.url.split('=')[1]}`
      session[key] = (session[key] ?? 0) + 1
      if (save) await save(req, res)
      return answer(res, 'ok')
    },
    '/hits': async (req, res) => {
      const hits = Object.entries(await open(req)).filter(([key]) => key.startsWith('hits'))
      return answer(res, `${hits.reduce((sum, [, count]) => sum + count, 0)}`)
    },
    '/login': async (req, res) => {
      await login(req, content('small'))
      if (save) await save(req, res)
      return answer(res, 'ok')
    },
    '/update': async (req, res) => {
      await update(req, (session) => session.count++)
      return answer(res, 'ok')
    },
    ...Object.fromEntries(['small', 'medium', 'large'].map((size) => [`/begin/${size}`, begin(size)]))
  }

  function begin(size) {
    return async (req, res) => {
      Object.assign(await open(req), content(size))
      if (save) await save(req, res)
      return answer(res, 'ok')
    }
  }
}
