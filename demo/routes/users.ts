import { Router } from 'express'
import { nameIn, readBody } from '../body'
import { browserOf } from '../browser'
import '../session-data'

/** Login, logout, and who is logged in. */
export function userRoutes(onSession?: (id: string) => void): Router {
  const router = Router()

  router.post('/users/login', readBody, async (req, res) => {
    const name = nameIn(req.body, 'username')
    // A new id, so that an id planted in this browser before the login is worth nothing (OWASP ASVS 5.0, 7.2.4).
    const session = await req.session.regenerate({ keep: ['count'] })
    session.userinfo = name
    session.browser = browserOf(req.get('User-Agent'))
    res.once('finish', () => res.statusCode === 200 && onSession?.(session.id))
    res.json({ ok: 1, message: '成功' })
  })

  router.post('/users/logout', async (req, res) => {
    // The whole session goes, the count with it: what is gone cannot be replayed (OWASP ASVS 5.0, 7.4.1).
    await req.session.destroy()
    res.json({ ok: 1, message: '退出成功' })
  })

  router.get('/users/getUser', async (req, res) => {
    const { userinfo } = await req.session.load()
    res.json({ ok: 1, message: '成功', userinfo: userinfo ?? null })
  })
  return router
}
