import type { RequestHandler } from 'express'
import { Refusal } from './errors'

/** A machine's names for itself. Nobody else can make a browser look elsewhere for them. */
const OWN = ['localhost', '127.0.0.1', '[::1]']

/**
 * Refuses requests for other hosts. A page elsewhere can let its own name point to this machine once it is loaded (DNS
 * rebinding): to its browser the demo is then of the same origin, but the `Host` header still says the page's name.
 *
 * @param allowed - further host names, without a port
 */
export function refuseForeignHosts(allowed: readonly string[]): RequestHandler {
  const names = new Set([...OWN, ...allowed])
  return (req, _res, next) => {
    const url = `http://${req.headers.host}`
    if (req.headers.host && URL.canParse(url) && names.has(new URL(url).hostname)) next()
    else
      next(
        new Refusal(
          403,
          '不接受发往这个主机名的请求，见 ALLOWED_HOST / this host is refused, see ALLOWED_HOST'
        )
      )
  }
}
