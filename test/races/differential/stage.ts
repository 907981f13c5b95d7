import { Agent, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request, Response } from 'express'
import {
  type AnyStore,
  options,
  sessionOf,
  type SessionModule
} from '../../express-session/support/implementations'
import { send } from '../../support/send'
import { atEnd, serve } from '../../support/serve'
import { portOf } from '../../support/server'
import { ACTIONS, type Action, dataOf, type Data } from './actions'
import type { Planned, Schedule } from './schedule'
import { SlowStore } from './slow-store'

/** What became of one request. Times are of one clock. */
export interface Visit {
  readonly name: string
  readonly action: Action
  /** The cookie that it had, if any. */
  readonly cookie: string | undefined
  readonly sent: number
  readonly answered: number
  /** Of the answer; `'cut'`: the connection broke, `'hung'`: nothing came. */
  readonly status: number | 'cut' | 'hung'
  /** The data that the handler found. */
  readonly seen: Data
  /** The cookie that the answer set, if any. */
  readonly given: string | undefined
}

interface Subject {
  readonly session: SessionModule
  readonly store: AnyStore
}

/** Milliseconds after which a request counts as hung. A slow and busy machine is no reason. */
const PATIENCE = 15_000
/** Milliseconds that the drop-in waits for a store, for the same reason. */
const TIMEOUT = 8_000

/** A server on which many schedules are played at once, each by an application of its own, until the tests end. */
export class Stage {
  readonly #apps = new Map<string, RequestListener>()
  readonly #agent = atEnd(new Agent({ keepAlive: true }), (it) => it.destroy())
  #server!: Server
  #runs = 0

  static async open(): Promise<Stage> {
    const stage = new Stage()
    stage.#server = await serve((req, res) => stage.#apps.get(String(req.headers['x-run']))!(req, res))
    // Else it could close a connection in the moment in which a request comes.
    stage.#server.keepAliveTimeout = 0
    return stage
  }

  /** Plays a schedule: a visitor begins a session, sends the requests, and looks at all that is left of it. */
  async play(
    { session, store }: Subject,
    { hasUser, requests, latencies, options: more }: Schedule,
    { patience = PATIENCE, timeout = TIMEOUT } = {}
  ): Promise<Visit[]> {
    const slow = new SlowStore(store, latencies)
    const run = String(this.#runs++)
    const begin: Action = {
      perform: ({ req }) => Object.assign(sessionOf(req), begin.writes!('')),
      writes: () => ({ ...(hasUser && { user: 'first user' }), shared: 'first', kept: 'first' })
    }
    const plans: (Omit<Planned, 'action'> & { action: Action })[] = [
      { action: begin, after: 0, thinks: 0 },
      { action: ACTIONS.read, after: 0, thinks: 0 },
      ...requests.map((request) => ({ ...request, action: ACTIONS[request.action] }))
    ]
    const middleware = session({ ...options, ...more, store, timeout })
    const answer = async (req: Request, res: Response): Promise<void> => {
      const number = Number(req.url.slice(1))
      const { action, thinks } = plans[number]!
      const seen = dataOf(sessionOf(req))
      await action.perform({ req, name: nameOf(number), think: async () => thinks > 0 && sleep(thinks) })
      res.end(JSON.stringify(seen))
    }
    this.#apps.set(run, (request, response) => {
      const [req, res] = [request as Request, response as Response]
      const fail = (error: { status?: number }): void => {
        if (res.headersSent) return void res.destroy()
        res.statusCode = error.status ?? 500
        res.end()
      }
      middleware(req, res, (error) => (error ? fail(error) : void answer(req, res).catch(fail)))
    })

    const visits: Visit[] = []
    const visit = async (number: number, cookie?: string): Promise<Visit> => {
      const { action, after } = plans[number]!
      if (after > 0) await sleep(after)
      const sent = performance.now()
      const answer = await this.#ask(`/${number}`, run, cookie, patience)
      const answered = performance.now()
      const visit = { name: nameOf(number), action, cookie, sent, answered, ...answer }
      visits.push(visit)
      return visit
    }
    const { given } = await visit(0)
    await Promise.all(requests.map((_, i) => visit(i + 2, given)))
    const cookies = new Set(visits.flatMap(({ given }) => given ?? []))
    const look = (): Promise<unknown> => Promise.all([...cookies].map((cookie) => visit(1, cookie)))
    await look()
    // An answer may have left before the work was done.
    if (!visits.some(({ status }) => status === 'hung')) {
      await slow.quiet()
      await look()
    }
    this.#apps.delete(run)
    return visits
  }

  async #ask(
    path: string,
    run: string,
    cookie: string | undefined,
    patience: number
  ): Promise<Pick<Visit, 'status' | 'seen' | 'given'>> {
    const headers = { 'x-run': run, ...(cookie !== undefined && { cookie }) }
    const nothing = { seen: {}, given: undefined }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'hung'>((resolve) => (timer = setTimeout(resolve, patience, 'hung')))
    try {
      const answer = await Promise.race([
        send(portOf(this.#server), path, { headers, agent: this.#agent }),
        late
      ])
      if (answer === 'hung') return { ...nothing, status: answer }
      const { status, text, setCookies } = answer
      return {
        status,
        seen: status === 200 ? (JSON.parse(text) as Data) : {},
        given: setCookies.map((line) => /^[^;]+/.exec(line)![0]).find((pair) => !pair.endsWith('='))
      }
    } catch {
      return { ...nothing, status: 'cut' }
    } finally {
      clearTimeout(timer)
    }
  }
}

function nameOf(number: number): string {
  return number < 2 ? ['begin', 'look'][number]! : `request ${number - 1}`
}
