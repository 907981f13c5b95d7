import { SessionCookie } from '../../lib/cookie/session-cookie'
import { createSigner } from '../../lib/cookie/signature'
import {
  cookieTransport,
  headerTransport,
  MAX_IDS,
  readIds,
  type ResponseHeaders,
  type Transport
} from '../../lib/cookie/transport'
import type { SessionRequest } from '../../lib/request'
import { listen } from '../support/events'
import { hearWarnings } from '../support/hold-listeners'

const request = (headers: Record<string, string>, rest: object = {}) =>
  ({ headers, method: 'GET', ...rest }) as unknown as SessionRequest

/** The headers of a response, by their names in lower case. */
function response() {
  const headers = new Map<string, unknown>()
  const res = {
    getHeader: (name: string) => headers.get(name.toLowerCase()),
    setHeader: (name: string, value: unknown) => headers.set(name.toLowerCase(), value)
  } as unknown as ResponseHeaders
  return { headers, res }
}

describe('headerTransport', () => {
  it('reads, writes and empties the header', () => {
    const transport = headerTransport('X-Session-Id')
    const { headers, res } = response()
    const carried = { req: request({}), cookie: new SessionCookie() }
    expect(transport.read(request({ 'x-session-id': 'the id', cookie: 'sid=other' }))).toBe('the id')
    expect(transport.read(request({}))).toBeUndefined()
    transport.write(res, 'an id', carried)
    expect([...headers]).toEqual([['x-session-id', 'an id']])
    transport.clear(res, carried)
    expect([...headers]).toEqual([['x-session-id', '']])
    expect(transport.vary).toBe('X-Session-Id')
  })

  it.each(['', 'a b', 'a:b', ':a', 'a:', 5, undefined])(
    'refuses %j, which is no name of a header',
    (name) => {
      expect(() => headerTransport(name as string)).toThrow(/the name of a header/)
    }
  )

  it.each(
    'accept accept-charset Content-Type content-length set-cookie cookie Host vary Age If-Match if proxy-status sec-x clear-site-data'.split(
      ' '
    )
  )('refuses %s, which HTTP uses itself', (name) => {
    expect(() => headerTransport(name)).toThrow(/a header that HTTP does not use itself: x-session-id/)
  })

  it.each([
    'x-session-id',
    'Authorization',
    'session',
    'hostname',
    'x-host',
    'ages',
    "!#$%&'*+.^_`|~0-9A-Za-z-"
  ])('takes %s', (name) => expect(headerTransport(name).vary).toBe(name))
})

describe('cookieTransport', () => {
  const insecure = { req: request({}), cookie: new SessionCookie() }
  const secure = { req: request({}), cookie: new SessionCookie({ secure: true }) }
  const proxied = { ...secure, req: request({ 'x-forwarded-proto': 'https' }) }

  it('reads each cookie of the name', () => {
    const { read, vary } = cookieTransport({ name: 'sid' })
    expect(read(request({ cookie: 'sid=one; other=x; sid=two' }))).toEqual(['one', 'two'])
    expect(vary).toBe('Cookie')
  })

  it('writes beside the cookies of others, and over its own', () => {
    const { write, clear } = cookieTransport({ name: 'sid' })
    const { headers, res } = response()
    headers.set('set-cookie', 'theirs=1')
    write(res, 'one', insecure)
    write(res, 'two', insecure)
    expect(headers.get('set-cookie')).toEqual(['theirs=1', 'sid=two; Path=/; HttpOnly; SameSite=Lax'])
    clear(res, insecure)
    expect(headers.get('set-cookie')).toEqual([
      'theirs=1',
      expect.stringMatching(/^sid=;.*Expires=Thu, 01 Jan 1970/)
    ])
  })

  it('keeps a Secure cookie back from a connection that is not, and says so once', async () => {
    const { headers, res } = response()
    const { warnings, end } = hearWarnings()
    for (let i = 0; i < 2; i++) cookieTransport({ name: 'sid' }).write(res, 'one', proxied)
    await new Promise(setImmediate)
    end()
    expect([...headers]).toEqual([])
    expect(warnings).toMatchObject([{ code: 'HOLDFAST_INSECURE_CONNECTION' }])
    cookieTransport({ name: 'sid', proxy: true }).write(res, 'one', proxied)
    expect(headers.get('set-cookie')).toEqual([expect.stringMatching(/^sid=one;.*Secure/)])
  })
})

describe('readIds', () => {
  const signer = createSigner(['what signs the ids of these tests'], 'sid')
  const sign = (id: string) => signer.sign(id)
  const reading = (read: unknown) => ({ read: () => read }) as unknown as Transport
  const idsOf = (read: unknown) => readIds(reading(read), signer, request({})).map(({ id }) => id)

  it.each([undefined, null, 5, {}, '', [''], [{}, null]])('finds none in %j, and no forged one', (read) => {
    const heard = listen()
    expect(idsOf(read)).toEqual([])
    expect(heard['holdfast:rejected']).toEqual([])
  })

  it('takes one or several, each once', () => {
    expect(idsOf(sign('a'))).toEqual(['a'])
    expect(idsOf([sign('a'), '', sign('b'), sign('a')])).toEqual(['a', 'b'])
  })

  it('tells of forged ones, which take no place of others', () => {
    const heard = listen()
    const forged = Array.from({ length: 2 * MAX_IDS }, (_, i) => `${sign(`f${i}`)}x`)
    const signed = Array.from({ length: MAX_IDS + 1 }, (_, i) => sign(`id${i}`))
    expect(idsOf([...forged, ...signed])).toEqual(['id0', 'id1', 'id2', 'id3'])
    expect(heard['holdfast:rejected']).toEqual(forged.map(() => ({ reason: 'bad signature' })))
  })

  it('refuses a promise', () => {
    expect(() => idsOf(Promise.resolve('a'))).toThrow(/transport/)
  })
})
