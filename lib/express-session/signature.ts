import { sign, unsign } from 'cookie-signature'
import { readCookies } from '../cookie/cookie-header'
import { MAX_IDS } from '../cookie/transport'
import { deprecate } from './deprecate'
import type { Incoming, Secret, Settings } from './options'

type Key = Parameters<typeof sign>[1]

/** The cookie value that carries an id: `s:<id>.<signature>`. */
export function signId(id: string, [first]: readonly Secret[]): string {
  return `s:${sign(id, first as Key)}`
}

/**
 * The ids that a request brought with a right signature, in their order, each once. An id may be any text, as an
 * application's own `genid` may make any. Without one in the header, what cookie-parser found counts.
 */
export function readIds(
  req: Incoming,
  { name, readsParsedCookies }: Settings,
  secrets: readonly Secret[]
): string[] {
  const ids = readCookies(req.headers.cookie, name).flatMap((value) => idsIn(decode(value), secrets))
  if (ids.length > 0 || !readsParsedCookies) return [...new Set(ids)].slice(0, MAX_IDS)

  const signed = req.signedCookies?.[name]
  const found = signed ? [signed as string] : idsIn(req.cookies?.[name], secrets)
  if (found.length > 0) deprecate('cookie should be available in req.headers.cookie')
  return found
}

function idsIn(value: unknown, secrets: readonly Secret[]): string[] {
  if (typeof value !== 'string' || !value.startsWith('s:')) return []
  const signed = value.slice(2)
  for (const secret of secrets) {
    const id = unsign(signed, secret)
    if (id) return [id]
  }
  return []
}

function decode(value: string): string {
  const bare = value.startsWith('"') ? value.slice(1, -1) : value
  if (!bare.includes('%')) return bare
  try {
    return decodeURIComponent(bare)
  } catch {
    return bare
  }
}
