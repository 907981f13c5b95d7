import { once } from 'node:events'
import expressSession from 'express-session'
import holdfast from '../../lib/express-session'
import { openLane, type ExpressStore, type Held, type Lane, type SessionModule } from './lane'

/** Makes a store for one of the two, of the same kind for both. */
export type StoreMaker = (session: SessionModule) => ExpressStore

/** A request of the race, in milliseconds since the lane's first. */
export interface Run {
  name: string
  sent: number
  answered: number
  status: number
}

/** How one lane did. */
export interface LaneResult {
  name: string
  requests: Run[]
  held: Held[]
  /** What a last request finds in the session. */
  kept: string[]
}

export const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

const LANES: readonly (readonly [string, SessionModule])[] = [
  ['express-session', expressSession],
  ['holdfast', holdfast]
]

/** Each module's own default. */
const ownMemory: StoreMaker = (session) => new session.MemoryStore()

type Course = (lane: Lane, send: (name: string, path: string) => Promise<unknown>) => Promise<unknown>

/** What can be run. `keys`: eight requests at once, each with its own key. `logout`: a logout while a write runs. */
export const courses = {
  keys: (_lane, send) => Promise.all(KEYS.map((key) => send(key, `/set/${key}`))),
  logout: async ({ slow }, send) => {
    const running = once(slow, 'running')
    const write = send('write', '/slow')
    await running
    await send('logout', '/logout')
    slow.emit('go')
    await write
  }
} satisfies Record<string, Course>

export type CourseName = keyof typeof courses

let warm: Promise<unknown> | undefined

/** Runs a course on both, one after the other, so that neither takes the processor from the other. */
export async function race(course: CourseName, makeStore: StoreMaker = ownMemory): Promise<LaneResult[]> {
  // The first to run would be the slower one, whoever that is: nothing is compiled yet.
  await (warm ??= runBoth(course, makeStore))
  return runBoth(course, makeStore)
}

async function runBoth(course: CourseName, makeStore: StoreMaker): Promise<LaneResult[]> {
  const results: LaneResult[] = []
  for (const [name, session] of LANES) results.push(await runLane(name, session, courses[course], makeStore))
  return results
}

async function runLane(
  name: string,
  session: SessionModule,
  course: Course,
  makeStore: StoreMaker
): Promise<LaneResult> {
  const lane = await openLane(session, makeStore(session))
  try {
    const login = await fetch(`${lane.url}/login`, { method: 'POST' })
    const headers = { cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '' }
    const keys = async () => (await (await fetch(`${lane.url}/keys`, { headers })).json()) as string[]
    // A browser has its connections open: their making is not part of the race.
    await Promise.all(KEYS.map(keys))

    lane.held.splice(0)
    const requests: Run[] = []
    const began = performance.now()
    await course(lane, async (key, path) => {
      const run = { name: key, sent: performance.now() - began, answered: 0, status: 0 }
      requests.push(run)
      const response = await fetch(lane.url + path, { method: 'POST', headers })
      await response.arrayBuffer()
      Object.assign(run, { answered: performance.now() - began, status: response.status })
    })
    const held = lane.held.map(({ at, keys: kept }) => ({ at: at - began, keys: kept }))
    return { name, requests, held, kept: await keys() }
  } finally {
    await lane.stop()
  }
}
