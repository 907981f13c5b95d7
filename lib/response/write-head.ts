import { isHttp2, isStatus } from './intercept'
import type { HoldableResponse } from './response'

/**
 * Moves the headers given to `writeHead` to where they can be read and added to, as Node does for a response that has
 * headers already. Answers with the arguments that are left; those that cannot be right are left to `writeHead`.
 *
 * @param args - status; status message, which may be missing; headers as an object, as a flat list of names and
 * values, or as a list of pairs
 * @throws what `setHeader` throws for a name or a value that cannot be sent
 */
export function takeHeaders(res: HoldableResponse, args: unknown[]): unknown[] {
  const [status, second, third] = args
  const message = typeof second === 'string' ? [second] : []
  const headers = message.length > 0 ? third : (third ?? second)
  if (!res.setHeader || typeof headers !== 'object' || headers === null || !isStatus(status)) return args
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (name) res.setHeader(name, value as string)
    return [status, ...message]
  }
  const pairs = Array.isArray(headers[0]) ? (headers as Pair[]) : pairUp(headers)
  if (!pairs) return args
  const seen = new Set<unknown>()
  for (const [name, value] of pairs) {
    if (!name) continue
    const lower = typeof name === 'string' ? name.toLowerCase() : name
    if (seen.has(lower) && res.appendHeader) res.appendHeader(name as string, value as string)
    else res.setHeader(name as string, value as string)
    seen.add(lower)
  }
  return [status, ...message]
}

type Pair = readonly [name: unknown, value: unknown]

function pairUp(flat: readonly unknown[]): Pair[] | undefined {
  if (flat.length % 2 !== 0) return undefined
  return flat.flatMap((name, index): Pair[] => (index % 2 === 0 ? [[name, flat[index + 1]]] : []))
}

/** Statuses whose responses have no body (RFC 9110, 15.3.5, 15.3.6 and 15.4.5). */
const BODILESS: ReadonlySet<unknown> = new Set([204, 205, 304])

/** Whether a client has the whole response with its headers. An event stream may have no end that it could wait for. */
export function isBodiless(
  res: HoldableResponse,
  method: string | undefined,
  status: unknown = res.statusCode
): boolean {
  if (method === 'HEAD') return !String(res.getHeader?.('Content-Type')).startsWith('text/event-stream')
  return BODILESS.has(status) || Number(res.getHeader?.('Content-Length')) === 0
}

/** Whether an HTTP/1.1 client would have the whole response with a write of this chunk. */
export function isAll(res: HoldableResponse, method: string | undefined, chunk: unknown): boolean {
  if (isHttp2(res) || res.headersSent === undefined || res.writableEnded) return false
  return (chunk as { length?: number } | null | undefined)?.length === 0 && isBodiless(res, method)
}
