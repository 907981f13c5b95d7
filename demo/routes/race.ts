import { Router } from 'express'
import { readBody } from '../body'
import { Refusal } from '../errors'
import { courses, race, type CourseName, type LaneResult, type StoreMaker } from '../race/race'

/** The race. One at a time: two at once would take the processor from each other. */
export function raceRoutes(makeStore: StoreMaker | undefined): Router {
  const router = Router()
  let last: Promise<unknown> = Promise.resolve()
  router.post('/race', readBody, async (req, res) => {
    const { course } = (req.body ?? {}) as { course?: unknown }
    if (typeof course !== 'string' || !Object.hasOwn(courses, course))
      throw new Refusal(400, 'course 应为 keys 或 logout / course should be keys or logout')
    const run = last.then((): Promise<LaneResult[]> => race(course as CourseName, makeStore))
    last = run.catch(() => undefined)
    res.json({ ok: 1, message: '成功', lanes: await run })
  })
  return router
}
