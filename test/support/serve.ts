import type { RequestListener, Server } from 'node:http'
import { listen, stop } from './server'

const endings: (() => unknown)[] = []

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

/** Runs when the test has ended. The last to be added runs first. */
export function atEnd(end: () => unknown): void {
  endings.push(end)
}

/** A server on a free port of 127.0.0.1, until the test ends. */
export async function serve(listener: RequestListener): Promise<Server> {
  const server = await listen(listener)
  atEnd(() => stop(server))
  return server
}
