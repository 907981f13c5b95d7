import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { SessionEvents } from '../../lib'
import { atEnd } from './serve'

const NAMES = [
  'holdfast:load',
  'holdfast:commit',
  'holdfast:dropped',
  'holdfast:error',
  'holdfast:corrupt',
  'holdfast:expired',
  'holdfast:lossy',
  'holdfast:rejected'
] as const satisfies (keyof SessionEvents)[]

/** What is published from now on until the test ends, by channel. */
export function listen(): { [Name in keyof SessionEvents]: SessionEvents[Name][] } {
  const heard = Object.fromEntries(NAMES.map((name) => [name, [] as unknown[]]))
  for (const name of NAMES) {
    const note = (message: unknown) => heard[name]?.push(message)
    subscribe(name, note)
    atEnd(name, () => unsubscribe(name, note))
  }
  return heard as never
}
