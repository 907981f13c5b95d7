import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { SessionEvents } from '../../lib'

const NAMES = [
  'holdfast:load',
  'holdfast:commit',
  'holdfast:dropped',
  'holdfast:error',
  'holdfast:corrupt',
  'holdfast:expired',
  'holdfast:rejected'
] as const satisfies (keyof SessionEvents)[]

const ended: (() => void)[] = []

afterEach(() => {
  for (const end of ended.splice(0)) end()
})

/** What is published from now on until the test ends, by channel. */
export function listen(): { [Name in keyof SessionEvents]: SessionEvents[Name][] } {
  const heard = Object.fromEntries(NAMES.map((name) => [name, [] as unknown[]]))
  for (const name of NAMES) {
    const note = (message: unknown) => heard[name]?.push(message)
    subscribe(name, note)
    ended.push(() => unsubscribe(name, note))
  }
  return heard as never
}
