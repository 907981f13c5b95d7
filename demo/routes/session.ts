import { Router } from 'express'
import type { Store } from '../../lib/index'
import '../session-data'

interface ViewOptions {
  store: Store
  storeName: string
  idleTimeout: number
  lifetime: number
}

/** Shows a visitor the session of their own, all but its id. Durations are in milliseconds. */
export function sessionRoutes({ store, storeName, idleTimeout, lifetime }: ViewOptions): Router {
  const router = Router()
  router.get('/session', async (req, res) => {
    const session = await req.session.load()
    const stored = session.isNew ? null : await store.get(session.id)
    if (stored === null) {
      res.json({ ok: 1, message: '成功', store: storeName, session: null })
      return
    }
    const began = timeOf(session.handle)
    const now = Date.now()
    const age = now - began
    // Looking is a use: reading renews the life, so that all of the idle time is left, but for a life that is sealed.
    const used = store.stateless ? sealedAt(stored) : now
    res.json({
      ok: 1,
      message: '成功',
      store: storeName,
      session: {
        user: session.userinfo ?? session.usr ?? null,
        count: session.count ?? 0,
        handle: session.handle,
        began: new Date(began).toISOString(),
        age,
        idle: { limit: idleTimeout, left: idleTimeout - (now - used) },
        lifetime: { limit: lifetime, left: lifetime - age },
        stored
      }
    })
  })
  return router
}

/** When a session was sealed into its cookie, in milliseconds since 1970; a read seals it again at half of its life. */
function sealedAt(stored: string): number {
  return (JSON.parse(stored) as { '@': { sent: number } })['@'].sent
}

/** When a UUIDv7 was made, in milliseconds: its first 48 bits (RFC 9562, 5.7). */
function timeOf(handle: string): number {
  return parseInt(handle.slice(0, 8) + handle.slice(9, 13), 16)
}
