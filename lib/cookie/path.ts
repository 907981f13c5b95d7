const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/**
 * The path of a request's original URL, not decoded: browsers compare paths as they are written. `/` where there is
 * none, as in `*`, in `example.com:443` and in anything malformed (RFC 6265, 5.1.4). Never throws.
 */
export function requestPath(url: string | undefined): string {
  if (!url) return '/'
  const path = url.startsWith('/') ? url : url.replace(ORIGIN, '')
  if (!path.startsWith('/')) return '/'

  const end = path.search(/[?#]/)
  return end === -1 ? path : path.slice(0, end)
}

/**
 * Whether a browser sends a cookie with this path along with a request for that one: `/admin` covers `/admin` and
 * `/admin/users`, and not `/administrator` (RFC 6265, 5.1.4).
 */
export function pathMatches(requestPath: string, cookiePath: string): boolean {
  if (!requestPath.startsWith(cookiePath)) return false
  return (
    requestPath.length === cookiePath.length ||
    cookiePath.endsWith('/') ||
    requestPath[cookiePath.length] === '/'
  )
}
