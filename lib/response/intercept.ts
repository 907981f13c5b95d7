import type { ServerResponse } from 'node:http'

/** The methods of a response that make something leave. `flush` is of `compression`. */
const SENDING = ['writeHead', 'flushHeaders', 'write', 'end', 'flush'] as const

export type SendingName = (typeof SENDING)[number]

/** A call of one of them. */
export interface Sending {
  readonly name: SendingName
  readonly args: unknown[]
}

export type Method = (...args: unknown[]) => unknown

/** A response of `node:http` or `node:http2`, or whatever a WebSocket library passes for one: it may lack anything. */
export type HoldableResponse = Partial<Omit<ServerResponse, SendingName>> & {
  getRawHeaderNames?(): string[]
  stream?: { respond?: unknown; close?(code: number): void }
}

/** RFC 9113, 7: INTERNAL_ERROR. */
const INTERNAL_ERROR = 0x2

/**
 * Puts `called` in the place of the methods that a response has for sending.
 *
 * @returns the methods that were there
 */
export function intercept(
  res: HoldableResponse,
  called: (call: Sending) => unknown
): ReadonlyMap<SendingName, Method> {
  const methods = res as Partial<Record<SendingName, Method>>
  const native = new Map<SendingName, Method>()
  for (const name of SENDING) {
    const method = methods[name]
    if (!method) continue
    native.set(name, method)
    methods[name] = (...args) => called({ name, args })
  }
  return native
}

/** What a call answers that sends nothing. */
export function answerOf({ name }: Sending, res: HoldableResponse): unknown {
  if (name === 'write') return false
  return name === 'end' || name === 'writeHead' ? res : undefined
}

export function isHttp2(res: HoldableResponse): boolean {
  return typeof res.stream?.respond === 'function'
}

/** The response cannot be what it promised: closing the connection, or the stream, is the only way left to say so. */
export function abort(res: HoldableResponse): void {
  if (isHttp2(res)) res.stream?.close?.(INTERNAL_ERROR)
  else res.destroy?.()
}

/** Where `drain` is waited for is not always the response: `compression` has its listeners on a stream of its own. */
export function emitDrain(res: HoldableResponse): void {
  const listener = () => undefined
  const target = res.on?.('drain', listener)
  target?.removeListener('drain', listener)
  target?.emit('drain')
  if (target !== res) res.emit?.('drain')
}
