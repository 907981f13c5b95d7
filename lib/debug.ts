import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import type { SessionEvents } from './events'
import type { Middleware } from './manager/sessions'

/** One request, and what has happened to its session. */
interface Line {
  readonly began: number
  readonly parts: string[]
  /** The public name of its session; undefined: it has none yet. */
  handle?: string
  isStored: boolean
}

/** The requests that are under way, each in the calls that it waits for. */
const lines = new AsyncLocalStorage<Line>()

/**
 * Writes a line to the standard error for each request, when its response has ended:
 * `holdfast GET /count 200 · loaded 01a2… in 0.4 ms · stored count · cookie not sent · 1.1 ms`. It has no session id, no
 * value of a session and no query.
 */
export function writeLines(session: Middleware, cookie: string): Middleware {
  return (req, res, next) => {
    const line: Line = { began: performance.now(), parts: [], isStored: false }
    const [path = ''] = (req.originalUrl ?? req.url ?? '').split('?')
    res.once?.('close', () => {
      const { parts, handle, isStored, began } = line
      if (parts.length === 0) parts.push('no session used')
      if (handle !== undefined && !isStored) parts.push('nothing stored')
      const [head, sent] = outcomeOf(res as ServerResponse, cookie)
      console.error(
        ['holdfast ' + printable(`${req.method} ${path} ${head}`), ...parts, sent, since(began)].join(' · ')
      )
    })
    lines.run(line, () => session(req, res, next))
  }
}

function outcomeOf(res: ServerResponse, name: string): [head: string, cookie: string] {
  const cookie = [res.getHeader('Set-Cookie') ?? []]
    .flat()
    .map(String)
    .find((one) => one.startsWith(`${name}=`))
  const isCleared = cookie?.startsWith(`${name}=;`) === true
  const sent = cookie === undefined ? 'cookie not sent' : isCleared ? 'cookie cleared' : 'cookie sent'
  return res.writableFinished ? [String(res.statusCode), sent] : ['client hung up', sent]
}

function on<Name extends keyof SessionEvents>(
  name: Name,
  describe: (message: SessionEvents[Name], line: Line) => string
): void {
  subscribe(name, (message) => {
    const line = lines.getStore()
    line?.parts.push(describe(message as SessionEvents[Name], line))
  })
}

on('holdfast:load', ({ handle }, line) => {
  line.handle = handle
  return `loaded ${handle} in ${since(line.began)}`
})
on('holdfast:commit', ({ handle, keys, merged }, line) => {
  const isNew = handle !== line.handle
  Object.assign(line, { handle, isStored: true })
  const what = keys.length > 0 ? keys.map(printable).join(', ') : 'no change of data'
  return `${isNew ? `new ${handle}, ` : ''}stored ${what}${merged ? ', merged' : ''}`
})
on(
  'holdfast:rejected',
  ({ reason, key }) => `cookie not accepted: ${reason}${key ? ` at ${printable(key)}` : ''}`
)
on('holdfast:expired', ({ handle }) => `expired ${handle}`)
on('holdfast:corrupt', ({ reason }) => `unreadable: ${reason}`)
on('holdfast:dropped', ({ reason }) => `changes not stored: ${reason}`)
on('holdfast:error', ({ operation, error }) => `${operation} failed: ${error.message}`)

function since(moment: number): string {
  return `${(performance.now() - moment).toFixed(1)} ms`
}

/** Without what a terminal takes for a command. */
function printable(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, '?')
}
