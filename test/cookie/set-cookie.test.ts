import { validateHeaderValue } from 'node:http'
import { parseSetCookie } from 'cookie'
import fc from 'fast-check'
import { readCookies } from '../../lib/cookie/cookie-header'
import { SessionCookie } from '../../lib/cookie/session-cookie'
import { clearCookie, mergeSetCookie, setCookie } from '../../lib/cookie/set-cookie'
import { createSigner } from '../../lib/cookie/signature'
import { anyText } from '../support/text'

const NOW = Date.UTC(2030, 0, 1)
const invalid = (message: RegExp) =>
  expect.objectContaining({ code: 'ERR_SESSION_DATA', message: expect.stringMatching(message) })

const everything = () =>
  new SessionCookie(
    {
      path: '/app',
      domain: 'example.com',
      secure: true,
      sameSite: 'none',
      partitioned: true,
      priority: 'high',
      maxAge: 60_000
    },
    NOW
  )

describe('setCookie', () => {
  it('writes the defaults', () => {
    expect(setCookie('sid', 's:id.sig', new SessionCookie())).toBe(
      'sid=s%3Aid.sig; Path=/; HttpOnly; SameSite=Lax'
    )
  })

  it('writes every attribute, life as Expires only', () => {
    expect(setCookie('sid', 'x', everything())).toBe(
      'sid=x; Domain=example.com; Path=/app; Expires=Tue, 01 Jan 2030 00:01:00 GMT; HttpOnly; Secure; Partitioned; ' +
        'Priority=High; SameSite=None'
    )
  })

  it('leaves out what is false', () => {
    expect(setCookie('sid', 'x', new SessionCookie({ httpOnly: false, sameSite: false }))).toBe(
      'sid=x; Path=/'
    )
    expect(setCookie('sid', 'x', new SessionCookie({ sameSite: true }))).toMatch(/; SameSite=Strict$/)
  })

  it('makes what readCookies and verify read', () => {
    const signer = createSigner(['a secret that is at least 32 bytes long'], 'sid')
    for (let n = 0; n < 200; n++) {
      const header = setCookie('sid', signer.sign(`id-${n}`), new SessionCookie())
      const [value = ''] = readCookies(`a=1; ${header.slice(0, header.indexOf(';'))}`, 'sid')
      expect(signer.verify(value)).toEqual({ id: `id-${n}`, current: true })
    }
  })

  it('lets no value out of its place', () => {
    fc.assert(
      fc.property(anyText(100), (value) => {
        const header = setCookie('sid', value, everything())
        validateHeaderValue('Set-Cookie', header)
        expect(parseSetCookie(header)).toEqual({
          name: 'sid',
          value,
          domain: 'example.com',
          path: '/app',
          expires: new Date(NOW + 60_000),
          httpOnly: true,
          secure: true,
          partitioned: true,
          priority: 'high',
          sameSite: 'none'
        })
      })
    )
  })

  it('lets no byte out of its place, in the name or in any attribute', () => {
    for (let code = 0; code < 256; code++) {
      const byte = String.fromCharCode(code)
      for (const key of ['name', 'value', 'path', 'domain', 'sameSite', 'priority'] as const) {
        const name = key === 'name' ? `si${byte}d` : 'sid'
        const cookie = new SessionCookie({ secure: true })
        const text = {
          path: `/a${byte}b`,
          domain: `a${byte}b.example`,
          sameSite: `lax${byte}`,
          priority: `${byte}low`
        }
        if (key !== 'name' && key !== 'value') Object.assign(cookie, { [key]: text[key] })
        const value = key === 'value' ? `a${byte}b` : 'ab'

        let header: string
        try {
          header = setCookie(name, value, cookie)
        } catch (error) {
          expect(error).toEqual(invalid(/must/))
          expect(key).not.toBe('value')
          continue
        }
        validateHeaderValue('Set-Cookie', header)
        const parsed: Record<string, unknown> = { ...parseSetCookie(header) }
        expect(parsed).toMatchObject({ name, value, httpOnly: true, secure: true })
        if (key === 'path' || key === 'domain') expect(parsed[key]).toBe(text[key])
        expect(header.split(';').length).toBe(key === 'domain' || key === 'priority' ? 6 : 5)
      }
    }
  })

  it('refuses attributes that do not go together', () => {
    expect(() => setCookie('__Host-sid', 'x', new SessionCookie())).toThrow(invalid(/__Host-.*Secure/))
    expect(() => setCookie('sid', 'x', new SessionCookie({ sameSite: 'none' }))).toThrow(invalid(/sameSite/))
    expect(() => setCookie('sid', 'x', new SessionCookie({ partitioned: true }))).toThrow(
      invalid(/partitioned/)
    )
    const cookie = Object.assign(new SessionCookie(), { secure: 'auto' })
    expect(() => setCookie('sid', 'x', cookie)).toThrow(invalid(/cookie\.secure.*settled/))
    expect(() => setCookie('sid', 'x', Object.assign(everything(), { originalMaxAge: NaN }))).toThrow(
      invalid(/cookie\.expires/)
    )
  })

  it('takes name and value of 4096 bytes together, and not one more', () => {
    expect(setCookie('sid', 'x'.repeat(4093), new SessionCookie())).toMatch(/^sid=x{4093};/)
    expect(() => setCookie('sid', 'x'.repeat(4094), new SessionCookie())).toThrow(invalid(/4097 bytes.*4096/))
    expect(() => setCookie('sid2', 'x'.repeat(4093), new SessionCookie())).toThrow(invalid(/4097 bytes/))
    expect(() => setCookie('sid', '€'.repeat(455), new SessionCookie())).toThrow(invalid(/4098 bytes/))
  })

  it('tells nothing of a value that it cannot write', () => {
    const secret = 'the-secret-id'
    for (const value of [`${secret}\ud800`, secret + 'x'.repeat(5000)]) {
      let message = ''
      try {
        setCookie('sid', value, new SessionCookie())
      } catch (error) {
        message = String(error)
        expect(error).toEqual(invalid(/cookie/))
      }
      expect(message).not.toBe('')
      expect(message).not.toContain(secret)
    }
  })
})

describe('clearCookie', () => {
  it('has the same name, path, domain and flags, no value, and 1970', () => {
    const set = parseSetCookie(setCookie('sid', 'x', everything()))
    expect(parseSetCookie(clearCookie('sid', everything()))).toEqual({
      ...set,
      value: '',
      expires: new Date(0)
    })
    expect(clearCookie('sid', new SessionCookie())).toBe(
      'sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax'
    )
  })

  it('leaves the cookie settings as they are', () => {
    const cookie = everything()
    clearCookie('sid', cookie)
    expect({ ...cookie }).toEqual({ ...everything() })
  })

  it('refuses what setCookie refuses', () => {
    expect(() => clearCookie('__Host-sid', new SessionCookie())).toThrow(invalid(/__Host-/))
    expect(() => clearCookie('s;d', new SessionCookie())).toThrow(invalid(/^name must/))
  })
})

describe('mergeSetCookie', () => {
  const ours = 'sid=new; Path=/'

  it.each<[string, string | number | readonly string[] | undefined, string[]]>([
    ['no header', undefined, []],
    ['an empty list', [], []],
    ['another cookie', 'a=1', ['a=1']],
    ['a number', 5, ['5']],
    ['others, in their order', ['b=2; Path=/', 'a=1'], ['b=2; Path=/', 'a=1']],
    ['the same cookie twice, which is not ours to judge', ['a=1', 'a=2'], ['a=1', 'a=2']],
    ['an earlier one of ours', 'sid=old; Path=/', []],
    ['earlier ones of ours', ['sid=1', 'a=1', ' sid\t= 2', 'sid=; HttpOnly'], ['a=1']],
    ['names like ours', ['sid2=1', 'SID=2', 'xsid=3', '%73id=4'], ['sid2=1', 'SID=2', 'xsid=3', '%73id=4']],
    [
      'our name in another place',
      ['a=sid=1', 'a=1; sid=2', 'sid', 'sid; Path=/'],
      ['a=sid=1', 'a=1; sid=2', 'sid', 'sid; Path=/']
    ],
    ['no name', ['=sid', '', 'sidx'], ['=sid', '', 'sidx']]
  ])('after %s', (_, existing, kept) => {
    expect(mergeSetCookie(existing, 'sid', ours)).toEqual([...kept, ours])
  })

  it('leaves the list that it is given as it is', () => {
    const existing = Object.freeze(['sid=old', 'a=1'])
    expect(mergeSetCookie(existing, 'sid', ours)).toEqual(['a=1', ours])
  })

  it('leaves one cookie of the name, however often it is called', () => {
    const once = mergeSetCookie(['a=1'], 'sid', 'sid=1')
    expect(mergeSetCookie(mergeSetCookie(once, 'sid', 'sid=2'), 'sid', ours)).toEqual(['a=1', ours])
  })
})
