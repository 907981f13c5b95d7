import fc from 'fast-check'
import { pathMatches, requestPath } from '../../lib/cookie/cookie-header'
import { anyText } from '../support/text'

describe('pathMatches', () => {
  it.each([
    ['/', '/', true],
    ['/admin', '/', true],
    ['/admin', '/admin', true],
    ['/admin/', '/admin', true],
    ['/admin/users', '/admin', true],
    ['/admin/users', '/admin/', true],
    ['/administrator', '/admin', false],
    ['/admin', '/admin/', false],
    ['/', '/admin', false],
    ['/x/admin', '/admin', false],
    ['/Admin', '/admin', false],
    ['/%61dmin', '/admin', false],
    ['/admin;x', '/admin', false],
    ['/admin//', '/admin', true]
  ])('a request for %s, a cookie for %s: %s', (request, cookie, matches) => {
    expect(pathMatches(request, cookie)).toBe(matches)
  })

  it('matches a path and everything below it', () => {
    const path = fc.stringMatching(/^(\/[a-z.]{1,5}){1,3}$/)
    fc.assert(
      fc.property(path, path, (a, b) => {
        expect(pathMatches(a, a)).toBe(true)
        expect(pathMatches(a + b, a)).toBe(true)
        expect(pathMatches(`${a}x${b}`, a)).toBe(false)
        expect(pathMatches(a, a + b)).toBe(false)
      })
    )
  })
})

describe('requestPath', () => {
  it.each<[string | undefined, string]>([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b?c=/d', '/a/b'],
    ['/a?b?c', '/a'],
    ['/a#b?c', '/a'],
    ['/?x', '/'],
    ['/a%2Fb%', '/a%2Fb%'],
    ['//host/a', '//host/a'],
    ['/http://host/a', '/http://host/a'],
    ['http://host/a/b?c', '/a/b'],
    ['HTTPS://user:password@host:8443/a', '/a'],
    ['http://[::1]:80/a', '/a'],
    ['http://host', '/'],
    ['http://host?a/b', '/'],
    ['http://', '/'],
    ['*', '/'],
    ['example.com:443', '/'],
    ['a/b', '/'],
    ['?a', '/'],
    ['', '/'],
    [undefined, '/']
  ])('%s has the path %s', (url, path) => {
    expect(requestPath(url)).toBe(path)
  })

  it('says of every URL what the platform says', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        const { href, pathname, search } = new URL(url)
        expect(requestPath(href)).toBe(pathname)
        expect(requestPath(pathname + search)).toBe(pathname)
      })
    )
  })

  it('never throws, and always gives a path without query', () => {
    fc.assert(
      fc.property(anyText(), fc.constantFrom('', '/', 'http:', 'a://'), (rest, start) => {
        expect(requestPath(start + rest)).toMatch(/^\/[^?#]*$/)
      })
    )
  })
})
