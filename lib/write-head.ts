import type { HoldableResponse } from './holdable-response'

/**
 * Moves the headers given to `writeHead` to where they can be read and added to, as Node does for a response that has
 * headers already. Answers with the arguments that are left; those that cannot be right are left to `writeHead`.
 *
 * @param args - status; status message, which may be missing; headers as an object, as a flat list of names and
 * values, or as a list of pairs
 * @throws what `setHeader` throws for a name or a value that cannot be sent
 */
export function takeHeaders(res: HoldableResponse, args: readonly unknown[]): readonly unknown[] {
  const [status, second, third] = args
  const message = typeof second === 'string' ? [second] : []
  const headers = message.length > 0 ? third : (third ?? second)
  if (!res.setHeader || typeof headers !== 'object' || headers === null || !isStatus(status)) return args
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (name) res.setHeader(name, value as string)
    return [status, ...message]
  }
  const pairs = Array.isArray(headers[0]) ? (headers as [string, string][]) : pairUp(headers)
  if (!pairs) return args
  const seen = new Set<string>()
  for (const [name, value] of pairs) {
    if (!name) continue
    const lower = String(name).toLowerCase()
    if (seen.has(lower) && res.appendHeader) res.appendHeader(name, value)
    else res.setHeader(name, value)
    seen.add(lower)
  }
  return [status, ...message]
}

function pairUp(flat: readonly unknown[]): [string, string][] | undefined {
  if (flat.length % 2 !== 0) return undefined
  return Array.from({ length: flat.length / 2 }, (_, index) => flat.slice(2 * index, 2 * index + 2)) as [
    string,
    string
  ][]
}

/** As Node reads a status. */
function isStatus(value: unknown): boolean {
  const status = (value as number) | 0
  return status >= 100 && status <= 999
}
