import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { abort, type Native } from './intercept'
import type { HoldableResponse, SendingName } from './response'

/**
 * Answers a request with an error in place of a handler that is still streaming. Code that waits for the response, such as
 * a pipeline, hears of it when the answer is out: earlier it would take the connection down with it.
 *
 * @param native - the methods that send
 * @param method - of the request
 */
export function answerInstead(
  res: HoldableResponse,
  native: Native,
  method: string | undefined,
  error: unknown
): void {
  const status = statusOf(error)
  const body = `${STATUS_CODES[status] ?? 'Error'}\n`
  try {
    res.setHeader?.('Content-Type', 'text/plain; charset=utf-8')
    res.setHeader?.('Content-Length', Buffer.byteLength(body))
    res.setHeader?.('Cache-Control', 'no-store')
    native.writeHead?.call(res, status)
    native.end?.apply(res, method === 'HEAD' ? [] : [body])
  } catch {
    abort(res)
  }
  res.destroy &&= () => res as ServerResponse
  res.prependOnceListener?.('finish', () => emitError(res, error))
}

function statusOf(error: unknown): number {
  const status = (error as { status?: unknown } | undefined)?.status
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}

/** Ends what is piped into a response that nobody gets: paused and forgotten, it would keep its file open. */
export function cutOff(res: HoldableResponse, sources: readonly Readable[] = []): void {
  for (const source of sources) {
    source.unpipe(res as ServerResponse)
    // The request has the connection on which another answer leaves.
    if (source === (res.req as unknown) || source === res.stream) source.resume()
    else if (source.listenerCount('data') === 0) source.destroy?.()
  }
}

/**
 * Tells what waits for a response, such as a pipeline, that it failed.
 *
 * A pipe that is still there sees the end of the response by itself, and would not survive an error here.
 */
export function emitError(res: HoldableResponse, error: unknown): void {
  if (res.listenerCount?.('unpipe') === 0 && res.listenerCount('error') > 0) res.emit?.('error', error)
}

/** Whether something is written after the end, and would end the process as an error that nobody listens for. */
export function isLate(res: HoldableResponse, name: SendingName, [chunk]: unknown[]): boolean {
  const isBody = chunk !== undefined && chunk !== null && typeof chunk !== 'function'
  return (name === 'write' || (name === 'end' && isBody)) && res.listenerCount?.('error') === 0
}

export function writeAfterEnd(): Error {
  return Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' })
}
