import type { Response } from 'supertest'

/** The pair `sid=…` that a response sets, for a Cookie header. */
export function cookieOf(response: Response): string {
  const lines = ([] as string[])
    .concat(response.get('Set-Cookie') ?? [])
    .filter((line) => line.startsWith('sid='))
  if (lines.length !== 1) throw new Error(`${lines.length} session cookies set`)
  return (lines[0] as string).split(';')[0] as string
}

/** The session id in such a pair: what stands between `s:` and the signature (cookie-signature's format). */
export function idOf(cookie: string): string {
  const id = /^sid=s:(.+)\.[^.]+$/.exec(decodeURIComponent(cookie))?.[1]
  if (id === undefined) throw new Error('no signed cookie')
  return id
}
