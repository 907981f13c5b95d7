import { randomBytes } from 'node:crypto'
import type { Outcome } from './outcome'

/** Makes a secret of 32 random bytes, as long as the key of the HMAC that signs with it (RFC 2104, 3). */
export function secret(): Outcome {
  const made = randomBytes(32).toString('base64url')
  return { text: made, json: { secret: made }, found: true }
}
