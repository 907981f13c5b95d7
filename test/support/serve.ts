import type { RequestListener, Server } from 'node:http'
import { listen, stop } from './server'

const endings: (() => unknown)[] = []

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** Ends something when the test has ended. The last to be added ends first. */
export function atEnd<T>(thing: T, end: (thing: T) => unknown): T {
  endings.push(() => end(thing))
  return thing
}

/** A server on a free port of 127.0.0.1, until the test ends. */
export async function serve(listener: RequestListener): Promise<Server> {
  return atEnd(await listen(listener), stop)
}
