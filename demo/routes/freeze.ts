import { Router } from 'express'
import { readBody } from '../body'
import { Refusal } from '../errors'
import type { Freezer } from '../freezer'

/** The switch that keeps the store from answering, for everybody here. */
export function freezeRoutes(freezer: Freezer): Router {
  const router = Router()
  router.post('/store/freeze', readBody, (req, res) => {
    const { frozen } = (req.body ?? {}) as { frozen?: unknown }
    if (typeof frozen !== 'boolean')
      throw new Refusal(400, 'frozen 应为 true 或 false / frozen should be true or false')
    freezer.set(frozen)
    res.json({ ok: 1, message: '成功', frozen })
  })
  return router
}
