import { randomBytes } from 'node:crypto'
import { Seal } from '../../lib/stores/seal'

const secret = randomBytes(32)
const older = 'an older secret, of 32 bytes and more'
const seal = new Seal([secret, older], 'sid')
const END = Date.now() + 60_000

describe('a seal', () => {
  it.each(['', '{}', '{"a":"ünïcödé 第三次 🎉"}', 'x'.repeat(3000)])(
    'gives back what was sealed: %j',
    (text) => {
      const at = Date.now()
      expect(seal.open(seal.seal(text, END, at))).toEqual({ text, at, expires: END })
    }
  )

  it('is URL-safe, as long as foretold, and never the same twice', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'ü', 'x'.repeat(1000)]) {
      const sealed = seal.seal(text, END)
      expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(sealed).toHaveLength(Seal.lengthOf(Buffer.byteLength(text)))
      expect(seal.seal(text, END)).not.toBe(sealed)
    }
  })

  it('shows nothing of what is in it', () => {
    const bytes = Buffer.from(seal.seal('{"user":"somebody"}', END), 'base64url').toString('latin1')
    expect(bytes).not.toContain('user')
    expect(bytes).not.toContain('somebody')
  })

  it('is broken by every change of a single bit', () => {
    const bytes = Buffer.from(seal.seal('{"n":1}', END), 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(seal.open(bytes.toString('base64url'))).toBeUndefined()
      bytes[bit >> 3]! ^= 1 << (bit & 7)
    }
    expect(seal.open(bytes.toString('base64url'))).toBeDefined()
  })

  it('is broken by every change of a single character', () => {
    for (const text of ['a', 'ab', 'abc']) {
      const sealed = seal.seal(text, END)
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
    const sealed = seal.seal('{"n":1}', END)
    for (let length = 0; length < sealed.length; length++) {
      expect(seal.open(sealed.slice(0, length))).toBeUndefined()
    }
  })

  it('opens with each secret, and is made with the first', () => {
    const before = new Seal([older], 'sid').seal('text', END)
    expect(seal.open(before)).toMatchObject({ text: 'text' })
    const now = seal.seal('text', END)
    expect(new Seal([older], 'sid').open(now)).toBeUndefined()
    expect(new Seal([secret], 'sid').open(now)).toMatchObject({ text: 'text' })
    expect(new Seal([secret], 'sid').open(before)).toBeUndefined()
  })

  it('is worth nothing under another name', () => {
    expect(new Seal([secret], 'other').open(seal.seal('text', END))).toBeUndefined()
  })
})
