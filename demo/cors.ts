import type { RequestHandler } from 'express'
import { Refusal } from './errors'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Lets pages of exactly these origins use the demo with the visitor's cookie (Fetch standard, CORS protocol). */
export function cors(allowedOrigins: readonly string[]): RequestHandler {
  return (req, res, next) => {
    const { origin } = req.headers
    if (allowedOrigins.length > 0) res.vary('Origin')
    if (origin !== undefined && allowedOrigins.includes(origin)) {
      res.set('Access-Control-Allow-Origin', origin)
      res.set('Access-Control-Allow-Credentials', 'true')
      if (req.method === 'OPTIONS') {
        res.set('Access-Control-Allow-Methods', 'GET, POST')
        res.set('Access-Control-Allow-Headers', 'Content-Type')
        res.set('Access-Control-Max-Age', '600')
      }
    }
    if (req.method === 'OPTIONS') res.status(204).end()
    else next()
  }
}

/**
 * Refuses what would change something for a page of another origin (OWASP ASVS 5.0, 3.5.1). SameSite alone does
 * not: to a browser, every port of a host is the same site. Clients that are no browser send neither header.
 */
export function refuseForeignOrigins(allowedOrigins: readonly string[]): RequestHandler {
  return (req, _res, next) => {
    const { origin, host } = req.headers
    const site = req.headers['sec-fetch-site']
    if (SAFE_METHODS.has(req.method) || (origin !== undefined && allowedOrigins.includes(origin))) next()
    else if (site === undefined ? origin === undefined || isHost(origin, host) : isOwn(site)) next()
    else next(new Refusal(403, '不接受来自其他网站的请求 / requests from other origins are refused'))
  }
}

/** The browser's own word about who sent it (Fetch Metadata); `none` is the visitor, by a bookmark for example. */
function isOwn(site: string | string[]): boolean {
  return site === 'same-origin' || site === 'none'
}

/** Without that word (plain http on a network): `Origin` names the host that was asked, or is foreign. */
function isHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host
}
