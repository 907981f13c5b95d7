import { readCookies } from './cookie/cookie-header'
import { clearCookie, mergeSetCookie, setCookie } from './cookie/set-cookie'
import type { HoldableResponse } from './response/intercept'
import type { Settings } from './options'
import { isSecure, warnInsecure } from './secure'
import type { Transport } from './cookie/transport'

/** Carries the session id in a cookie. */
export function cookieTransport({ name, proxy }: Pick<Settings, 'name' | 'proxy'>): Transport {
  const send = (res: HoldableResponse, header: string) =>
    res.setHeader?.('Set-Cookie', mergeSetCookie(res.getHeader?.('Set-Cookie'), name, header))
  return {
    vary: 'Cookie',
    read: (req) => readCookies(req.headers.cookie, name),
    write(res, id, { req, cookie }) {
      if (cookie.secure && !isSecure(req, proxy)) return warnInsecure()
      send(res, setCookie(name, id, cookie))
    },
    clear: (res, { cookie }) => send(res, clearCookie(name, cookie))
  }
}
