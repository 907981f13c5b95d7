import { v7 as uuidv7 } from 'uuid'

const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A new handle: a UUIDv7 (RFC 9562, 5.7), the public name of a session. */
export function createHandle(): string {
  // Without the time given, uuid never goes back behind the latest it saw, even if the clock was put right since.
  return uuidv7({ msecs: Date.now() })
}

/** Whether `value` is a handle. */
export function isHandle(value: unknown): value is string {
  return typeof value === 'string' && SHAPE.test(value)
}

/** When the session of this handle began, in milliseconds since 1970: the first 48 bits of the UUIDv7. */
export function beganAt(handle: string): number {
  return parseInt(handle.slice(0, 8) + handle.slice(9, 13), 16)
}
