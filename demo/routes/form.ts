import { Router } from 'express'
import { nameIn, readBody } from '../body'
import '../session-data'

/** The form's login: it greets a visitor by the name given the first time. */
export function formRoutes(onSession?: (id: string) => void): Router {
  const router = Router()
  router.post('/login', readBody, async (req, res) => {
    const name = nameIn(req.body, 'usr')
    // Plain text, so that markup in a name stays text.
    res.type('text/plain')

    const { usr } = await req.session.load()
    if (usr !== undefined) {
      res.send(`欢迎，${usr}`)
      return
    }
    const session = await req.session.regenerate({ keep: ['count', 'userinfo', 'browser'] })
    session.usr = name
    res.once('finish', () => res.statusCode === 200 && onSession?.(session.id))
    res.send('您第一次登录系统')
  })
  return router
}
