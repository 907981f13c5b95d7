import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { RequestHandler } from 'express'
import type { SessionEvents } from '../lib/index'
import type { Around } from './tap'

/** A command of the store, in milliseconds since the request arrived. */
interface Command {
  name: string
  at: number
  ms: number
  ok: boolean
}

/** The way of one request, in milliseconds since it arrived. What did not happen is not there. */
export interface Trace {
  request: string
  status: number
  /** The session middleware took over. */
  entered?: number
  /** It passed the request on: the cookie was read, and its signature checked. */
  verified?: number
  /** `holdfast:load` */
  loaded?: number
  /** The handler gave its answer, which is held from then on. */
  answered?: number
  /** `holdfast:commit`, and what it said. */
  committed?: number
  merged?: boolean
  attempts?: number
  /** The answer is on its way. */
  released?: number
  /** Why the cookie was not taken, or the changes not stored, or what failed. */
  refused?: string
  commands: Command[]
}

type Moment = 'entered' | 'verified' | 'loaded' | 'answered' | 'committed' | 'released'

/** The requests that pages want to see, each on its way through whatever it waits for. */
const running = new AsyncLocalStorage<{ began: number; trace: Trace }>()

/** Tells pages, by the names they gave themselves, about their requests. */
export const traces = new EventEmitter<Record<string, [Trace]>>().setMaxListeners(0)

function note(moment: Moment, more: Partial<Trace> = {}): void {
  const run = running.getStore()
  if (run) Object.assign(run.trace, { [moment]: performance.now() - run.began }, more)
}

function refuse(reason: string): void {
  const run = running.getStore()
  if (run) run.trace.refused = reason
}

function listen<Name extends keyof SessionEvents>(
  name: Name,
  heard: (message: SessionEvents[Name]) => void
): void {
  subscribe(name, (message) => heard(message as SessionEvents[Name]))
}

listen('holdfast:load', () => note('loaded'))
listen('holdfast:commit', ({ merged, attempts }) => note('committed', { merged, attempts }))
listen('holdfast:rejected', ({ reason }) => refuse(reason))
listen('holdfast:expired', () => refuse('expired'))
listen('holdfast:corrupt', () => refuse('corrupt'))
listen('holdfast:dropped', ({ reason }) => refuse(reason))
listen('holdfast:error', ({ operation }) => refuse(`${operation} failed`))

/** Follows the requests of pages that ask for it by the header `X-Page`, a name that each made for itself. */
export const traced: RequestHandler = (req, res, next) => {
  const page = req.get('X-Page')
  if (page === undefined) {
    next()
    return
  }
  const began = performance.now()
  const trace: Trace = { request: `${req.method} ${req.path}`, status: 0, commands: [] }
  const send = res.send.bind(res)
  res.send = (body?: unknown) => {
    // `json` ends in another `send`.
    trace.answered ??= performance.now() - began
    return send(body)
  }
  const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => typeof res
  // Below the session, which calls this when the store has confirmed.
  res.writeHead = (...args: unknown[]) => {
    trace.released ??= performance.now() - began
    return writeHead(...args)
  }
  res.once('finish', () => traces.emit(page, { ...trace, status: res.statusCode }))
  running.run({ began, trace }, next)
}

/** Notes when the session middleware takes a request over, and when it passes it on. */
export function around(sessions: RequestHandler): RequestHandler {
  return (req, res, next) => {
    note('entered')
    sessions(req, res, (error?: unknown) => {
      note('verified')
      next(error)
    })
  }
}

/** Notes the commands of the store. */
export const timed: Around = async (name, run) => {
  const current = running.getStore()
  if (!current) return run()
  const { began, trace } = current
  const command = { name, at: performance.now() - began, ms: 0, ok: true }
  trace.commands.push(command)
  try {
    return await run()
  } catch (error) {
    command.ok = false
    throw error
  } finally {
    command.ms = performance.now() - began - command.at
  }
}
