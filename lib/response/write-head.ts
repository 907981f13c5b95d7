import { isStatus } from './intercept'
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
