import crypto from 'node:crypto'
import { parseCookie } from 'cookie'
import * as signature from 'cookie-signature'
import fc from 'fast-check'
import { createBareSigner, createSigner, isId } from '../../lib/cookie/signature'
import { atEnd } from '../support/serve'
import { anyText } from '../support/text'

const SECRET = 'a secret that is at least 32 bytes long'
const OLD = 'an old secret that is also 32 bytes long'
const ID = 'Zz09_-AQx7rM3kLbP8vTn2wYc5hJd1uGf6eXs4iWoBg'

const signer = createSigner([SECRET], 'sid')

/** Every text that differs from this one in a single bit. */
function* flipped(text: string): Generator<string> {
  const bytes = Buffer.from(text, 'latin1')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    yield copy.toString('latin1')
  }
}

/** Signed ids whose signatures hold the characters that percent-encoding changes. */
const withPlusAndSlash = Array.from({ length: 2000 }, (_, n) => signer.sign(`id${n}`)).filter((value) =>
  /\+.*\/|\/.*\+/.test(value)
)

describe('sign', () => {
  it('signs the name of the cookie and the id, and carries the id alone', () => {
    expect(signer.sign(ID)).toBe(`s:${signature.sign(`sid=${ID}`, SECRET).slice('sid='.length)}`)
    expect(signer.sign(ID)).toMatch(/^s:[\w-]{43}\.[A-Za-z0-9+/]{43}$/)
  })

  it('signs the life of a session with its id, and no other life comes back out', () => {
    for (const life of [1, 35, 36, 86_400_000]) {
      const value = signer.sign(ID, life)
      for (const text of [value, encodeURIComponent(value)]) {
        expect(signer.verify(text)).toEqual({ id: ID, life, current: true })
      }
      const longer = value.replace('~', '~z')
      expect([signer.verify(longer), signer.verify(value.replace(/~\w+/, ''))]).toEqual([
        undefined,
        undefined
      ])
    }
  })

  it('signs with the first secret', () => {
    expect(createSigner([SECRET, OLD], 'sid').sign(ID)).toBe(signer.sign(ID))
  })

  it('takes a Buffer for what its bytes say, and keeps it as it was', () => {
    const bytes = Buffer.from(SECRET)
    const signer = createSigner([bytes], 'sid')
    bytes.fill(0)
    expect(signer.verify(`s:${signature.sign(`sid=${ID}`, SECRET).slice(4)}`)).toEqual({
      id: ID,
      current: true
    })
  })

  it.each([[[]], [['']], [[SECRET, '']], [[Buffer.alloc(0)]]])('refuses the secrets %j', (secrets) => {
    expect(() => createSigner(secrets, 'sid')).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_OPTIONS', message: expect.stringContaining('secret') })
    )
  })
})

describe('verify', () => {
  it('reads what sign made, percent-encoded or not', () => {
    expect(withPlusAndSlash.length).toBeGreaterThan(10)
    for (const value of withPlusAndSlash) {
      const result = { id: value.slice(2, value.indexOf('.')), current: true }
      expect(signer.verify(value)).toEqual(result)
      expect(signer.verify(encodeURIComponent(value))).toEqual(result)
    }
  })

  it('reads what express-session signed, to be signed anew', () => {
    const value = parseCookie(`sid=${encodeURIComponent(`s:${signature.sign(ID, SECRET)}`)}`).sid ?? ''
    expect(signer.verify(value)).toEqual({ id: ID, current: false })
  })

  it('reads what express-session signed with any of the secrets', () => {
    const value = `s:${signature.sign(ID, OLD)}`
    expect(createSigner([SECRET, OLD], 'sid').verify(value)).toEqual({ id: ID, current: false })
  })

  it('reads every id of the right shape', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/)
    fc.assert(
      fc.property(id, fc.uint8Array({ minLength: 1, maxLength: 80 }), (id, secret) => {
        const signer = createSigner([Buffer.from(secret)], 'sid')
        expect(signer.verify(encodeURIComponent(signer.sign(id)))).toEqual({ id, current: true })
      })
    )
  })

  it('tries each secret and says whether the first one signed', () => {
    const rotated = createSigner([SECRET, 'one in between, long enough for all', OLD], 'sid')
    expect(rotated.verify(signer.sign(ID))).toEqual({ id: ID, current: true })
    expect(rotated.verify(createSigner([OLD], 'sid').sign(ID))).toEqual({ id: ID, current: false })
  })

  it('no longer takes a secret that was removed', () => {
    expect(createSigner([SECRET], 'sid').verify(createSigner([OLD], 'sid').sign(ID))).toBeUndefined()
  })

  it('goes by the secrets of the moment, whichever of them was replaced, added or removed', () => {
    let secrets = [SECRET]
    const taken = (...now: string[]) => {
      secrets = now
      return [SECRET, OLD].map((by) => live.verify(createSigner([by], 'sid').sign(ID))?.current)
    }
    const live = createSigner(() => secrets, 'sid')
    expect(taken(SECRET)).toEqual([true, undefined])
    expect(taken(SECRET, OLD)).toEqual([true, false])
    expect(taken(SECRET, 'another secret of at least 32 bytes')).toEqual([true, undefined])
    expect(taken(OLD, SECRET)).toEqual([false, true])
    expect(taken(OLD)).toEqual([undefined, true])
    expect(taken(SECRET)).toEqual([true, undefined])
  })

  it('takes no value that was signed for a cookie of another name', () => {
    expect(createSigner([SECRET], 'admin').verify(signer.sign(ID))).toBeUndefined()
  })

  it('fails for every change of a single bit', () => {
    const rotated = createSigner([SECRET, OLD], 'sid')
    for (const value of [
      signer.sign(ID),
      createSigner([OLD], 'sid').sign(ID),
      ...withPlusAndSlash.slice(0, 5)
    ]) {
      for (const text of [value, encodeURIComponent(value)]) {
        expect(rotated.verify(text)).toBeDefined()
        const accepted = [...flipped(text)].filter((changed) => rotated.verify(changed) !== undefined)
        expect(accepted).toEqual([])
      }
    }
  })

  it('fails for every text that was cut short or made longer', () => {
    const value = signer.sign(ID)
    for (let length = 0; length < value.length; length++) {
      expect(signer.verify(value.slice(0, length))).toBeUndefined()
      expect(signer.verify(value.slice(length + 1))).toBeUndefined()
    }
    for (const added of ['=', '.', ' ', 'A', '\n', '\0', '%00', ';']) {
      expect(signer.verify(value + added)).toBeUndefined()
      expect(signer.verify(added + value)).toBeUndefined()
    }
  })

  it('refuses an id of the wrong shape, though it is validly signed', () => {
    for (const id of ['', 'a.b', 'a/b', 'a b', 'ä', 'a\0', '../a', 'a'.repeat(129)]) {
      expect(signer.verify(`s:${signature.sign(id, SECRET)}`)).toBeUndefined()
    }
  })

  it('refuses other spellings of the encoding', () => {
    const value = withPlusAndSlash[0] ?? ''
    const encoded = encodeURIComponent(value)
    expect(signer.verify(encoded.replace('%3A', '%3a'))).toBeUndefined()
    expect(signer.verify(encoded.replace('%2B', '%2b'))).toBeUndefined()
    expect(signer.verify(encoded.replace('.', '%2E'))).toBeUndefined()
    expect(signer.verify(encodeURIComponent(encoded))).toBeUndefined()
    expect(signer.verify(value.replace('s:', 'j:'))).toBeUndefined()
    expect(signer.verify(value.slice(2))).toBeUndefined()
    expect(signer.verify(`"${value}"`)).toBeUndefined()
  })

  it('computes one HMAC for the values of one visitor, until a secret is replaced', () => {
    let secrets = [SECRET]
    const live = createSigner(() => secrets, 'sid')
    const value = live.sign(ID)
    const createHmac = atEnd(jest.spyOn(crypto, 'createHmac'), (it) => it.mockRestore())
    for (let visit = 0; visit < 3; visit++) expect(live.verify(value)).toEqual({ id: ID, current: true })
    expect(createHmac).toHaveBeenCalledTimes(1)
    for (const changed of flipped(value)) expect(live.verify(changed)?.id).not.toBe(ID)
    secrets = [OLD, SECRET]
    expect(live.verify(value)).toEqual({ id: ID, current: false })
    secrets = [OLD]
    expect(live.verify(value)).toBeUndefined()
  })

  it('remembers 4,096 values, however many visitors there are', () => {
    const busy = createSigner([SECRET], 'sid')
    const values = Array.from({ length: 4097 }, (_, n) => signer.sign(`visitor${n}`))
    const createHmac = atEnd(jest.spyOn(crypto, 'createHmac'), (it) => it.mockRestore())
    const hmacs = (visits: readonly string[]) => {
      createHmac.mockClear()
      for (const value of visits) busy.verify(value)
      return createHmac.mock.calls.length
    }
    expect([hmacs(values.slice(0, 4096)), hmacs(values.slice(0, 4096))]).toEqual([4096, 0])
    const forged = Array.from({ length: 4096 }, (_, n) => `s:forged${n}.${'A'.repeat(43)}`)
    for (const value of forged) busy.verify(value)
    expect(hmacs(values.slice(0, 4096))).toBe(0)
    // One more, and the memory is emptied.
    expect([hmacs([values[4096]!]), hmacs([values[4096]!]), hmacs([values[0]!])]).toEqual([1, 0, 1])
  })

  it('never throws', () => {
    const text = fc.oneof(
      anyText(),
      fc
        .string({ unit: fc.constantFrom('s', ':', '.', '%', '%3A', '%2', '%FF', 'A', '\ud800') })
        .map((rest) => `s:${rest}`)
    )
    fc.assert(fc.property(text, (value) => signer.verify(value) === undefined))
  })

  it('computes no HMAC for garbage', () => {
    const createHmac = atEnd(jest.spyOn(crypto, 'createHmac'), (it) => it.mockRestore())
    const sig = 'A'.repeat(43)
    for (const value of [
      '',
      's:',
      's:.',
      `s:.${sig}`,
      `s:id.${sig}A`,
      `s:id.${sig.slice(1)}`,
      `s:i d.${sig}`,
      `s:${'a'.repeat(129)}.${sig}`,
      `s%3A%.${sig}`,
      `s:${'a'.repeat(1e6)}`,
      'a'.repeat(1e6),
      '%'.repeat(1e6)
    ]) {
      expect(signer.verify(value)).toBeUndefined()
    }
    expect(createHmac).not.toHaveBeenCalled()
    signer.verify(`s:id.${sig}`)
    // Once with the cookie's name, and once without.
    expect(createHmac).toHaveBeenCalledTimes(2)
  })
})

describe('an id that is not signed', () => {
  const bare = createBareSigner(8)

  it('is the value of the cookie', () => {
    expect(bare.sign('Az0_-')).toBe('Az0_-')
    expect(bare.verify('Az0_-')).toEqual({ id: 'Az0_-', current: true })
  })

  it('has as many characters as it may have, all of them URL-safe', () => {
    expect(bare.verify('12345678')).toEqual({ id: '12345678', current: true })
    for (const value of ['', '123456789', 'a b', 'a.b', 'a/b', '.ab', 'ab.', 'ä', 'a%20', 'a\n']) {
      expect(bare.verify(value)).toBeUndefined()
    }
  })
})

describe('isId', () => {
  it('accepts 1 to 128 URL-safe characters', () => {
    for (const id of ['a', '-', '_', ID, 'a'.repeat(128)]) expect(isId(id)).toBe(true)
    for (const id of ['', 'a'.repeat(129), 'a.b', 'a\n', ' a', 'ä', 'a%20']) expect(isId(id)).toBe(false)
  })

  it('refuses what is no string', () => {
    for (const id of [undefined, null, 123, true, ['abc'], { toString: () => 'abc' }])
      expect(isId(id)).toBe(false)
  })

  it('accepts of all characters exactly the URL-safe ones', () => {
    const accepted = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(isId)
    expect(accepted.join('')).toBe('-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz')
  })
})
