import { Router, type Response } from 'express'
import type { Sessions, Store } from '../../lib/index'
import { Refusal } from '../errors'
import type { Freezer } from '../freezer'
import { type Trace, traces } from '../trace'

interface EventOptions {
  /** The sessions of the two browsers on the page. */
  browsers: readonly Sessions[]
  store: Store
  freezer: Freezer
}

/**
 * Server-sent events for one page: the ways of its own requests, the end of each session that it shows, by whomever, and
 * whether the store is frozen. One stream for all: a browser opens six connections to a server over HTTP/1.1, no more.
 */
export function eventRoutes({ browsers, store, freezer }: EventOptions): Router {
  const router = Router()
  router.get('/events', async (req, res) => {
    const { page } = req.query
    if (typeof page !== 'string') throw new Refusal(400, '缺少 page / page is missing')
    const found = await Promise.all(browsers.map((sessions) => sessions.open(req)))
    res.set('Content-Type', 'text/event-stream').flushHeaders()

    const stops = found.map((session, index) => {
      if (!session || !store.watch || !store.life) return () => undefined
      return browsers[index]!.onDestroy(session, () => send(res, 'ended', session.handle))
    })
    const traced = (trace: Trace) => send(res, 'trace', trace)
    const frozen = (is: boolean) => send(res, 'frozen', is)
    traces.on(page, traced)
    freezer.on('changed', frozen)
    res.once('close', () => {
      for (const stop of stops) stop()
      traces.off(page, traced)
      freezer.off('changed', frozen)
    })
    send(
      res,
      'watching',
      found.map((session) => session?.handle ?? null)
    )
    frozen(freezer.frozen)
  })
  return router
}

function send(res: Response, event: string, data: unknown): void {
  res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
