import type { RequestListener, Server } from 'node:http'
import { listen, stop } from './server'

type Ending = () => unknown

const ofTest: Ending[] = []
const ofFile: Ending[] = []
let endings = ofFile

beforeEach(() => void (endings = ofTest))
afterEach(async () => {
  await endAll(ofTest)
  endings = ofFile
})
afterAll(() => endAll(ofFile))

async function endAll(all: Ending[]): Promise<void> {
  const errors: unknown[] = []
  for (const end of all.splice(0).reverse()) {
    // One that cannot be ended keeps no other one from it.
    await Promise.resolve()
      .then(end)
      .catch((error: unknown) => errors.push(error))
  }
  if (errors.length > 0) throw errors[0] as Error
}

/** Ends something when the test has ended; in `beforeAll`, when those of the file have. The last to be added ends first. */
export function atEnd<T>(thing: T, end: (thing: T) => unknown): T {
  endings.push(() => end(thing))
  return thing
}

/** A server on a free port of 127.0.0.1, until then. */
export async function serve(listener: RequestListener): Promise<Server> {
  return atEnd(await listen(listener), stop)
}
