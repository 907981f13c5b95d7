import type { Socket } from 'node:net'
import type { HoldableResponse, Method, RespondingName, SendingName } from './response'

/** A call of one of them. */
export interface Sending {
  readonly name: SendingName
  readonly args: unknown[]
}

/** The methods that a response had for sending. */
export type Native = Partial<Record<SendingName, Method | undefined>>

/** RFC 9113, 7: INTERNAL_ERROR. */
const INTERNAL_ERROR = 0x2

/**
 * Replaces the methods that a response has for sending.
 *
 * @param called - gets each call
 * @returns the methods that were there
 */
export function intercept(
  res: HoldableResponse,
  called: (name: SendingName, ...args: unknown[]) => unknown
): Native {
  const methods = res as Native
  // One literal and no loop: this runs for every request whose handler looks at its session.
  const native: Native = {
    writeHead: methods.writeHead,
    flushHeaders: methods.flushHeaders,
    write: methods.write,
    end: methods.end,
    flush: methods.flush
  }
  // V8 puts a function that is written right behind the `=` of a property into the old generation at once. There it would
  // keep its request, with all that belongs to it, until the next full collection. One that `bind` makes is young.
  if (native.writeHead) methods.writeHead = called.bind(undefined, 'writeHead')
  if (native.flushHeaders) methods.flushHeaders = called.bind(undefined, 'flushHeaders')
  if (native.write) methods.write = called.bind(undefined, 'write')
  if (native.end) methods.end = called.bind(undefined, 'end')
  if (native.flush) methods.flush = called.bind(undefined, 'flush')
  return native
}

/** The result of a call that sends nothing. */
export function answerOf(name: SendingName, res: HoldableResponse): unknown {
  if (name === 'write') return false
  return name === 'end' || name === 'writeHead' ? res : undefined
}

export function isResponding(name: string): name is RespondingName {
  return name.startsWith('respond')
}

/** As Node reads a status. */
export function isStatus(value: unknown): boolean {
  const status = (value as number) | 0
  return status >= 100 && status <= 999
}

export function isHttp2(res: HoldableResponse): boolean {
  return typeof res.stream?.respond === 'function'
}

/** The response cannot be what it promised: closing the connection, or the stream, is the only way left to say so. */
export function abort(res: HoldableResponse): void {
  if (isHttp2(res)) {
    const stream = res.stream!
    // Node ends a stream that it closes, and the client would take that for the end of the body.
    stream.end = () => stream
    return stream.close?.(INTERNAL_ERROR)
  }
  // Without chunks, as for HTTP/1.0, the end of the connection is the end of the body: only a reset tells.
  if (!res.chunkedEncoding) reset(res.socket)
  res.destroy?.()
}

function reset(socket: Socket | null | undefined): void {
  try {
    socket?.resetAndDestroy()
  } catch {
    // TLS has an end of its own, which a connection that is cut off lacks.
  }
}

/** `drain` is not always awaited on the response: `compression` has its listeners on a stream of its own. */
export function emitDrain(res: HoldableResponse): void {
  const listener = () => undefined
  const target = res.on?.('drain', listener)
  target?.removeListener('drain', listener)
  if (target !== res) target?.emit('drain')
  // The stream of HTTP/2, which somebody may write to as well, passes it on to its response.
  const sender = isHttp2(res) ? res.stream : res
  sender?.emit?.('drain')
}
