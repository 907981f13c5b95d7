import { createSecretKey } from 'node:crypto'
import { sign, unsign } from 'cookie-signature'
import { SessionError } from '../errors'

/** Makes and checks the values of session cookies. */
export interface Signer {
  /**
   * The cookie value that carries `id`, before percent-encoding: `s:<id>.<signature>`, as express-session makes it.
   * Only an id that `isId` accepts comes back out of `verify`.
   */
  sign(id: string): string

  /**
   * The id in a cookie value as it was read, percent-encoded or not, and whether the first secret signed it.
   * Undefined when none of the secrets did, or when the value is anything else. Never throws.
   */
  verify(value: string): { id: string; current: boolean } | undefined
}

const ID = /^[A-Za-z0-9_-]{1,128}$/

/**
 * `s:<id>.<43 characters of base64>`. Of the percent-encoded spellings only the one that `encodeURIComponent` makes:
 * were `%3a` as good as `%3A`, a cookie could be changed and still be accepted.
 */
const SIGNED = /^s(?::|%3A)([A-Za-z0-9_-]{1,128})\.((?:[A-Za-z0-9+/]|%2B|%2F){43})$/

const BARE = /^[A-Za-z0-9_-]+$/

/** Whether a value has the shape of a session id: 1 to 128 URL-safe characters. */
export function isId(value: unknown): boolean {
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
 * signs, each verifies.
 *
 * @throws SessionError `ERR_SESSION_OPTIONS` without a secret, or with an empty one.
 */
export function createSigner(secrets: readonly (string | Buffer)[]): Signer {
  const keys = secrets
    .filter((secret) => secret.length > 0)
    .map((secret) => createSecretKey(Buffer.from(secret)))
  const [first] = keys
  if (!first || keys.length < secrets.length) {
    throw new SessionError('ERR_SESSION_OPTIONS', 'secret must hold at least one secret, and no empty one')
  }

  return {
    sign: (id) => `s:${sign(id, first)}`,

    verify(value) {
      // The shape comes first, so that garbage costs no HMAC.
      const [, id, signature] = SIGNED.exec(value) ?? []
      if (id === undefined || signature === undefined) return undefined

      const signed = `${id}.${decodeURIComponent(signature)}`
      const key = keys.find((candidate) => unsign(signed, candidate) !== false)
      return key && { id, current: key === first }
    }
  }
}
