import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Seal } from '../../lib/stores/seal'

const secret = randomBytes(32)
const older = 'an older secret, of 32 bytes and more'
const seal = new Seal([secret, older], 'sid')
const END = Date.now() + 60_000

describe('a seal', () => {
  it.each(['', '{}', '{"a":"ünïcödé 第三次 🎉"}', 'x'.repeat(3000)])(
    'gives back what was sealed: %j',
    (text) => {
      expect(seal.open(seal.seal(text, END, 5))).toEqual({ text, since: 5, expires: END })
    }
  )

  it('is URL-safe, as long as foretold, and never the same twice', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'ü', 'x'.repeat(1000)]) {
      const sealed = seal.seal(text, END, 0)
      expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(sealed).toHaveLength(Seal.lengthOf(Buffer.byteLength(text)))
      expect(seal.seal(text, END, 0)).not.toBe(sealed)
    }
  })

  it('shows nothing of what is in it', () => {
    const bytes = Buffer.from(seal.seal('{"user":"somebody"}', END, 0), 'base64url').toString('latin1')
    expect(bytes).not.toContain('user')
    expect(bytes).not.toContain('somebody')
  })

  it('is broken by every change of a single bit', () => {
    const bytes = Buffer.from(seal.seal('{"n":1}', END, 0), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(seal.open(bytes.toString('base64url'))).toBeUndefined()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
    expect(seal.open(bytes.toString('base64url'))).toBeDefined()
  })

  it('is broken by every change of a single character', () => {
    for (const text of ['a', 'ab', 'abc']) {
      const sealed = seal.seal(text, END, 0)
      for (let i = 0; i < sealed.length; i++) {
        for (const other of 'AQgw_') {
          if (other === sealed[i]) continue
          expect(seal.open(sealed.slice(0, i) + other + sealed.slice(i + 1))).toBeUndefined()
        }
      }
      for (const longer of [`${sealed}A`, `${sealed}=`, ` ${sealed}`, `${sealed}\n`]) {
        expect(seal.open(longer)).toBeUndefined()
      }
    }
  })

  it('is worth nothing cut off at any place', () => {
    const sealed = seal.seal('{"n":1}', END, 0)
    for (let length = 0; length < sealed.length; length++) {
      expect(seal.open(sealed.slice(0, length))).toBeUndefined()
    }
  })

  it('opens with each secret, and is made with the first', () => {
    const before = new Seal([older], 'sid').seal('text', END, 0)
    expect(seal.open(before)).toMatchObject({ text: 'text' })
    const now = seal.seal('text', END, 0)
    expect(new Seal([older], 'sid').open(now)).toBeUndefined()
    expect(new Seal([secret], 'sid').open(now)).toMatchObject({ text: 'text' })
    expect(new Seal([secret], 'sid').open(before)).toBeUndefined()
  })

  it('is worth nothing under another name', () => {
    expect(new Seal([secret], 'other').open(seal.seal('text', END, 0))).toBeUndefined()
  })

  it('of version 1 opens: what was sealed before an update still counts', () => {
    const key = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast sealed session', 32))
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from('1:sid'))
    const times = Buffer.alloc(16)
    times.writeDoubleBE(END - 1000, 0)
    times.writeDoubleBE(END, 8)
    const sealed = [cipher.update(times), cipher.update('text'), cipher.final(), cipher.getAuthTag()]
    const bytes = Buffer.concat([Buffer.of(1), nonce, ...sealed])
    expect(seal.open(bytes.toString('base64url'))).toEqual({ text: 'text', since: END - 1000, expires: END })
    bytes[0] = 2
    expect(seal.open(bytes.toString('base64url'))).toBeUndefined()
  })
})
