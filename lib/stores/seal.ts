import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** The sealed content. */
export interface Sealed {
  readonly text: string
  /** The latest `notBefore` with which it counts; of a seal of version 1 that is the moment of sealing. */
  readonly since: number
  /** When it ends, in milliseconds since 1970. */
  readonly expires: number
}

const VERSION = 2
/** Versions that still open. They differ in the meaning of the first double. */
const VERSIONS = [VERSION, 1]
const CIPHER = 'aes-256-gcm'
const NONCE = 12
const TAG = 16
/** `since` and the end, before the text: two doubles. */
const TIMES = 16
const OVERHEAD = 1 + NONCE + TIMES + TAG

/**
 * Seals texts with AES-256-GCM, so that nobody without the secret can read or make one. The key is made from the
 * secret by HKDF-SHA-256 (RFC 5869) for this purpose alone; the nonce is 96 random bits (NIST SP 800-38D, 8.2.2), which
 * is good for 2^32 seals with one secret. The name and the version are authenticated, too.
 */
export class Seal {
  readonly #secrets: () => readonly (string | Buffer)[]
  readonly #name: string
  readonly #made = new Map<string | Buffer, Buffer>()

  /**
   * @param secrets - the first seals, each opens; a function is asked at each use
   * @param name - what the seal is for: opened under another name it is worth nothing
   */
  constructor(secrets: readonly (string | Buffer)[] | (() => readonly (string | Buffer)[]), name: string) {
    this.#secrets = typeof secrets === 'function' ? secrets : () => secrets
    this.#name = name
  }

  /** How many characters the seal of a text of so many bytes has. */
  static lengthOf(bytes: number): number {
    return Math.ceil(((bytes + OVERHEAD) * 4) / 3)
  }

  /** @returns URL-safe characters */
  seal(text: string, expires: number, since: number): string {
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv(CIPHER, this.#keyOf(this.#secrets()[0]!), nonce).setAAD(
      this.#associated(VERSION)
    )
    const times = Buffer.alloc(TIMES)
    times.writeDoubleBE(since, 0)
    times.writeDoubleBE(expires, 8)
    const parts = [
      Buffer.of(VERSION),
      nonce,
      cipher.update(times),
      cipher.update(text, 'utf8'),
      cipher.final()
    ]
    return Buffer.concat([...parts, cipher.getAuthTag()]).toString('base64url')
  }

  /** Undefined for anything that was not sealed with one of the secrets and this name. Never throws. */
  open(sealed: string): Sealed | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < OVERHEAD || !VERSIONS.includes(bytes[0]!)) return undefined
    // The last character may hold bits that decoding drops: a seal has one spelling.
    if (bytes.toString('base64url') !== sealed) return undefined
    for (const secret of this.#secrets()) {
      const plain = this.#decrypt(bytes, this.#keyOf(secret))
      if (!plain) continue
      const text = plain.toString('utf8', TIMES)
      return { text, since: plain.readDoubleBE(0), expires: plain.readDoubleBE(8) }
    }
    return undefined
  }

  #keyOf(secret: string | Buffer): Buffer {
    let key = this.#made.get(secret)
    if (!key) {
      key = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast sealed session', 32))
      this.#made.set(secret, key)
    }
    return key
  }

  #associated(version: number): Buffer {
    return Buffer.from(`${version}:${this.#name}`)
  }

  #decrypt(bytes: Buffer, key: Buffer): Buffer | undefined {
    const end = bytes.length - TAG
    const nonce = bytes.subarray(1, 1 + NONCE)
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG })
    decipher.setAAD(this.#associated(bytes[0]!)).setAuthTag(bytes.subarray(end))
    try {
      return Buffer.concat([decipher.update(bytes.subarray(1 + NONCE, end)), decipher.final()])
    } catch {
      return undefined
    }
  }
}
