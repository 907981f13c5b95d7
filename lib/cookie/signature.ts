import { createSecretKey, type KeyObject } from 'node:crypto'
import { sign, unsign } from 'cookie-signature'
import { SessionError } from '../errors'

/** The content of a cookie value. */
export interface Verified {
  readonly id: string
  /** The life that each use gives the session, in milliseconds, if it is not the common one: known before it is read. */
  readonly life?: number | undefined
  /** Whether the first secret signed it for this cookie. */
  readonly current: boolean
}

/** Makes and checks the values of session cookies. */
export interface Signer {
  /**
   * The cookie value that carries `id`, before percent-encoding: `s:<id>.<signature>`, or `s:<id>~<life>.<signature>` with
   * the life to base 36. Only an id that `isId` accepts comes back out of `verify`.
   */
  sign(id: string, life?: number): string

  /**
   * What a cookie value carries as it was read, percent-encoded or not. Undefined when none of the secrets signed it, or
   * when the value is anything else. Never throws.
   */
  verify(value: string): Verified | undefined
}

export type Secret = string | Buffer

const ID = /^[A-Za-z0-9_-]{1,128}$/

/**
 * `s:<id>.<43 characters of base64>`, perhaps with a life behind the id. Of the percent-encoded spellings, only the one
 * that `encodeURIComponent` makes is right: were `%3a` as good as `%3A`, a cookie could be changed and still be accepted.
 */
const SIGNED =
  /^s(?::|%3A)(([A-Za-z0-9_-]{1,128})(?:~([1-9a-z][0-9a-z]{0,9}))?)\.((?:[A-Za-z0-9+/]|%2B|%2F){43})$/

const BARE = /^[A-Za-z0-9_-]+$/

/** How many verified values a signer remembers: about 1 MB, and forgotten all at once. */
const REMEMBERED = 4096

/** Whether a value has the shape of a session id: 1 to 128 URL-safe characters. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/**
 * For ids that go into the cookie as they are, because they prove themselves or because nobody is to be kept from
 * making one up.
 *
 * @param maxLength - characters of the longest id
 */
export function createBareSigner(maxLength: number): Signer {
  return {
    sign: (id) => id,
    verify: (value) =>
      value.length <= maxLength && BARE.test(value) ? { id: value, current: true } : undefined
  }
}

/**
 * A signer with HMAC-SHA-256. To replace a secret without logging anybody out, put the new one in front: the first
 * signs, each verifies. The name is signed as well, so that the value of one cookie is nothing under the name of another;
 * values signed without it, as express-session does, are taken until they are signed anew.
 *
 * @param secrets - a function is asked at each use, so that an application can replace them while it runs
 * @throws SessionError `ERR_SESSION_OPTIONS` without a secret, or with an empty one
 */
export function createSigner(secrets: readonly Secret[] | (() => readonly Secret[]), name: string): Signer {
  let known: readonly Secret[] = []
  let keys: KeyObject[] = []
  /** A visitor brings the same value with each request, and an HMAC takes longer than all else that is done with it. */
  const verified = new Map<string, Verified>()
  const renewKeys = (now: readonly Secret[]): void => {
    if (
      keys.length > 0 &&
      now.length === known.length &&
      known.every((secret, index) => secret === now[index])
    )
      return
    if (now.length === 0 || now.some((secret) => secret.length === 0)) {
      throw new SessionError('ERR_SESSION_OPTIONS', 'secret must hold at least one secret, and no empty one')
    }
    verified.clear()
    known = [...now]
    keys = known.map((secret) => createSecretKey(Buffer.from(secret)))
  }
  const prefix = `${name}=`
  const check = (value: string): Verified | undefined => {
    const [, carried, id, own, signature] = SIGNED.exec(value)!
    const life = own === undefined ? undefined : parseInt(own, 36)
    const signed = `${carried}.${signature!.includes('%') ? decodeURIComponent(signature!) : signature}`
    for (const key of keys)
      if (unsign(prefix + signed, key) !== false) return { id: id!, life, current: key === keys[0] }
    return keys.some((key) => unsign(signed, key) !== false) ? { id: id!, life, current: false } : undefined
  }
  renewKeys(typeof secrets === 'function' ? secrets() : secrets)

  return {
    sign: (id, life) => {
      if (typeof secrets === 'function') renewKeys(secrets())
      const carried = life === undefined ? id : `${id}~${life.toString(36)}`
      return `s:${sign(prefix + carried, keys[0]!).slice(prefix.length)}`
    },

    verify(value) {
      if (typeof secrets === 'function') renewKeys(secrets())
      const remembered = verified.get(value)
      if (remembered) return remembered
      // The shape comes first, so that garbage costs no HMAC.
      if (!SIGNED.test(value)) return undefined
      // A copy: a part of a header keeps the whole header in memory.
      const copy = Buffer.from(value, 'latin1').toString('latin1')
      const found = check(copy)
      if (!found) return undefined
      if (verified.size >= REMEMBERED) verified.clear()
      verified.set(copy, found)
      return found
    }
  }
}
