import { Router } from 'express'
import '../session-data'

/** Counts this visitor's visits, exactly, however many requests run at once. */
export function countRoutes(onSession?: (id: string) => void): Router {
  const router = Router()
  router.get('/count', async (req, res) => {
    const count = await req.session.update((session) => (session.count = (session.count ?? 0) + 1))
    if (count === 1) onSession?.(req.session.id)
    res.type('text/plain').send(`第${count}次`)
  })
  return router
}
