import { randomBytes, randomUUID } from 'node:crypto'
import { content } from './content.mjs'

/** A session id as the libraries make them. */
export const randomId = () => randomBytes(32).toString('base64url')

const DATA = content('small')

/** A text as Holdfast stores it. No two are the same. */
export function randomText() {
  const revision = randomBytes(6).toString('base64url')
  return JSON.stringify({ ...DATA, '@': { v: 1, handle: randomUUID(), revs: [revision] } })
}

/** Does something many times, a thousand at a time. */
export async function repeat(times, run) {
  for (let done = 0; done < times; done += 1000) {
    await Promise.all(Array.from({ length: Math.min(1000, times - done) }, run))
  }
}
