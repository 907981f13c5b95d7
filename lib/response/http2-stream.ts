import type { HoldableResponse, HoldableStream, Method, RespondingName, SendingName } from './response'
import { takeHeaders } from './write-head'

const RESPONDING: readonly RespondingName[] = ['respond', 'respondWithFile', 'respondWithFD']

/** By these Node's stream sends what was written to it. */
const SENDING = ['_write', '_writev', '_final'] as const

/** The gate of the stream of a held response. */
export interface StreamGate {
  /** Whether the response has begun, so that its data may leave. */
  begun(): boolean
  /** Whether something else is held that was given to the response, or was dropped: data of the stream come behind it. */
  isMixed(): boolean
  /** Called when the stream is about to begin the response by itself, and with data that come behind the response's. */
  send(name: SendingName, args: unknown[]): unknown
  /** Called when the stream is about to send data without headers: Node would send a 200 of its own. */
  write(): void
  /** Called when the stream is about to be ended. Undefined: it may end at once. */
  end(): Promise<void> | undefined
}

/**
 * Holds back what is sent by the stream of an HTTP/2 response itself, past the response object: its headers by the gate,
 * and its data in the buffer of the stream, which is full as long as its first write has not come back.
 *
 * @returns the methods that begin the response, with the headers that the response has by then
 */
export function interceptStream(
  res: HoldableResponse,
  stream: HoldableStream,
  gate: StreamGate
): Partial<Record<RespondingName, Method>> {
  const native: Partial<Record<RespondingName, Method>> = {}
  const waiting: (() => unknown)[] = []
  // Node ends every stream that closes.
  const passes = () => gate.begun() || stream.closed === true
  for (const name of RESPONDING) {
    const method = stream[name]
    if (!method) continue
    const respond = (stream[name] = (...args) => {
      if (!passes()) return gate.send(name, args)
      const result = method.apply(stream, args)
      for (const go of waiting.splice(0)) go()
      return result
    })
    native[name] = (...args) => respond(...withHeaders(res, name, args))
  }
  for (const name of SENDING) {
    const method = stream[name]
    if (!method) continue
    stream[name] = (...args) => {
      const go = () => method.apply(stream, args)
      if (passes()) return go()
      waiting.push(go)
      gate.write()
    }
  }
  const { write, end } = stream
  const isMixed = () => !stream.closed && gate.isMixed()
  stream.write = (...args) => (isMixed() ? gate.send('write', args) : write?.apply(stream, args))
  stream.end = (...args) => {
    if (isMixed()) return (gate.send('end', args), stream)
    const pending = stream.closed ? undefined : gate.end()
    if (!pending) return end?.apply(stream, args)
    pending.then(
      () => end?.apply(stream, args),
      () => undefined
    )
    return stream
  }
  return native
}

const placeOf = (name: RespondingName) => (name === 'respond' ? 0 : 1)

/**
 * Makes the headers that are given to a stream the headers of the response, where they can be read and added to.
 *
 * @throws what `setHeader` throws for a name or a value that cannot be sent
 */
export function takeStreamHeaders(res: HoldableResponse, name: RespondingName, args: unknown[]): void {
  for (const present of res.getHeaderNames?.() ?? []) res.removeHeader?.(present)
  const given = entriesOf(args[placeOf(name)]).filter(([header]) => !header.startsWith(':'))
  takeHeaders(res, [200, given])
}

/** The arguments with the headers of the response in the place of those that were taken. */
function withHeaders(res: HoldableResponse, name: RespondingName, args: unknown[]): unknown[] {
  const place = placeOf(name)
  const given = args[place]
  const pseudo = entriesOf(given).filter(([header]) => header.startsWith(':'))
  // Symbols name the headers that must not be indexed.
  const symbols = Object.getOwnPropertySymbols(given ?? {}).map((key) => [
    key,
    (given as Record<symbol, unknown>)[key]
  ])
  const headers = { ...Object.fromEntries([...pseudo, ...symbols] as []), ...res.getHeaders?.() }
  return Object.assign([...args], { [place]: headers })
}

function entriesOf(given: unknown): [name: string, value: unknown][] {
  if (!Array.isArray(given)) return Object.entries(given ?? {})
  return given.flatMap((name, index) =>
    index % 2 === 0 ? [[String(name), given[index + 1]] as [string, unknown]] : []
  )
}
