const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** The first place from `at` on, forwards or backwards, that holds no blank: space and tab only (RFC 6265, 5.2). */
function pastBlanks(text: string, at: number, step: 1 | -1): number {
  while (text[at] === ' ' || text[at] === '\t') at += step
  return at
}

/** The text between two positions without the blanks around it. */
export function trimmed(text: string, start: number, end: number): string {
  return text.slice(pastBlanks(text, start, 1), pastBlanks(text, end - 1, -1) + 1)
}

/**
 * The values of all cookies with exactly this name, in the order of the header and just as they were sent: names
 * are case-sensitive, nothing is percent-decoded, quotes are part of a value, a cookie without a name is nobody's
 * (RFC 6265, 5.2 and 5.4). Never throws, whatever the bytes; the time grows with the header's length and no faster.
 *
 * @param header - The request's `Cookie` header, if it has one.
 */
export function readCookies(header: string | undefined, name: string): string[] {
  const values: string[] = []
  if (!header || !name) return values

  // Jumping from one place where the name stands to the next is many times faster than taking all cookies apart.
  let at = header.indexOf(name)
  while (at !== -1) {
    let next = at + name.length
    const before = pastBlanks(header, at - 1, -1)
    const equals = pastBlanks(header, next, 1)
    // It is the name if nothing but blanks lies between it and the beginning of its cookie, and its end.
    if ((before < 0 || header[before] === ';') && header[equals] === '=') {
      const semicolon = header.indexOf(';', equals)
      next = semicolon === -1 ? header.length : semicolon
      values.push(header.slice(pastBlanks(header, equals + 1, 1), pastBlanks(header, next - 1, -1) + 1))
    }
    at = header.indexOf(name, next)
  }
  return values
}

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
