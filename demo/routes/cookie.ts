import { parseCookie } from 'cookie'
import { Router } from 'express'
import type { Store } from '../../lib/index'

/** A visitor's own session cookie, taken apart: its attributes whole, its secret parts only begun. */
export function cookieRoutes(name: string, store: Store): Router {
  const router = Router()
  router.get('/session/cookie', async (req, res) => {
    const session = await req.session.load()
    const value = parseCookie(req.headers.cookie ?? '')[name]
    if (session.isNew || value === undefined) {
      res.json({ ok: 1, message: '成功', cookie: null })
      return
    }
    const { httpOnly, sameSite, path, maxAge } = session.cookie
    const [id, signature] = store.stateless ? [value] : value.replace(/^s:/, '').split('.')
    res.json({
      ok: 1,
      message: '成功',
      cookie: {
        name,
        bytes: name.length + 1 + value.length,
        id: part(id),
        // A cookie that is sealed proves itself.
        signature: signature === undefined ? null : part(signature),
        // As it goes to this visitor: the option says `auto`.
        secure: req.secure,
        httpOnly,
        sameSite,
        path,
        maxAge
      }
    })
  })
  return router
}

function part(text = ''): { begin: string; length: number } {
  return { begin: text.slice(0, 4), length: text.length }
}
