import { SessionCookie } from '../../../lib/cookie/session-cookie'
import type { Settings } from '../../../lib/options'
import { decodeRecord } from '../../../lib/repository/record'
import { RecordRepository } from '../../../lib/repository/record-repository'
import { announcementAtEnd, commitAtEnd } from '../../../lib/session/end-of-response'
import { RequestSession } from '../../../lib/session/request-session'
import type { SessionScope } from '../../../lib/session/scope'
import type { IndexEntry, SessionIndex, Store } from '../../../lib/stores/store'
import { UserSessions, type SessionChoice } from '../../../lib/manager/user-sessions'
import type { Bag } from '../../support/site'
import { Doors } from './doors'
import { nextPath } from './explore'
import { LIMITS, SETTINGS as OF_REQUESTS } from './run'
import { quiet } from './time'
import { isLong } from '../../support/long'

const user = (session: object) => (session as Bag).user as string | undefined
const SETTINGS = { ...OF_REQUESTS, timeout: 60_000, user }

/** A store, and all that it keeps. */
export interface Kept {
  readonly store: Store
  texts(): Promise<readonly (readonly [id: string, text: string])[]>
  clear(): Promise<void>
}

/** One process with the store: what its requests do, and what is asked about users there. */
export class Process {
  readonly #repository: RecordRepository
  readonly #users: UserSessions

  constructor(
    store: Store,
    private readonly newId: () => string
  ) {
    const { timeout, lifetime } = SETTINGS
    this.#repository = new RecordRepository(store, LIMITS, timeout, undefined, lifetime)
    this.#users = new UserSessions({ ...SETTINGS, cookie: {} } as unknown as Settings, this.#repository)
  }

  /** One request. Answers with the id that its browser has afterwards. */
  async visit(id: string | undefined, handler: (session: Bag) => unknown): Promise<string | undefined> {
    const request = this.#open(id, true)
    if (id === undefined) request.begin()
    else await request.load()
    await handler(request.session as Bag)
    await commitAtEnd(request)
    const said = announcementAtEnd(request)
    return said && 'set' in said ? said.set : id
  }

  #open(id: string | undefined, canSendCookie: boolean): RequestSession {
    return new RequestSession({
      settings: { ...SETTINGS, genid: this.newId },
      repository: this.#repository,
      req: { headers: {} } as SessionScope['req'],
      ids: id === undefined ? [] : [{ id, current: true }],
      defaults: new SessionCookie(),
      canSendCookie: () => canSendCookie
    })
  }

  login(user: string, id?: string): Promise<string | undefined> {
    return this.visit(id, async (session) => void ((await session.regenerate()).user = user))
  }

  /** Answers with the id that its browser has then; one who came too late is nobody, and goes on as such. */
  move(id: string, keep: true | 'user'[] = true): Promise<string | undefined> {
    return this.visit(id, (session) => session.regenerate({ keep: keep as true }))
  }

  /** What holds a session beside any request: a WebSocket, a worker. */
  async hold(id: string): Promise<Bag> {
    return (await this.#open(id, false).load()) as Bag
  }

  destroy(user: string, which?: SessionChoice): Promise<number> {
    return this.#users.destroy(user, which)
  }

  async list(user: string): Promise<string[]> {
    return (await this.#users.list(user)).map(({ handle }) => handle)
  }
}

/** What one schedule has to do with. */
export interface World<Seed> {
  readonly seed: Seed
  /** A process of its own, each of whose commands waits until the schedule lets it through. */
  site(name: string): Process
  /** Nobody waits here. */
  readonly behind: Process
  /** By id. */
  stored(): Promise<ReadonlyMap<string, { user: string | undefined; handle: string | undefined }>>
  /** What happened, a line each. */
  readonly trace: string[]
}

export interface Scenario<Seed> {
  seed(behind: Process): Promise<Seed>
  /** What runs at once. */
  programs(world: World<Seed>): readonly (() => Promise<unknown>)[]
  /** Throws where something is wrong in the end. */
  check(world: World<Seed>): Promise<void>
  /** For tests of the rig: what is wrong in the process of this name. */
  broken?(store: Store, name: string): Store
  /** What was noted before the programs began was noted long ago. */
  readonly aged?: true
}

/**
 * Runs every interleaving of a scenario, and answers with how many there are. After each step, whatever is stored has to
 * be noted under its user.
 */
export async function everyOrder<Seed>(kept: Kept, scenario: Scenario<Seed>): Promise<number> {
  let count = 0
  for (let path: readonly number[] | undefined = []; path; count++) {
    const taken: readonly number[] = path
    const branches = await play(kept, scenario, (_options, at) => taken[at] ?? 0)
    path = nextPath(path, branches)
  }
  return count
}

/** Runs so many interleavings of a scenario that has too many of them. The seed is in the message of what fails. */
export async function someOrders<Seed>(
  kept: Kept,
  scenario: Scenario<Seed>,
  runs = Number(process.env.RACE_RUNS ?? (isLong ? 200 : 15)),
  seed = Number(process.env.RACE_SEED ?? (isLong ? Date.now() % 2 ** 31 : 1))
): Promise<void> {
  let random = 1 + (seed % 2_147_483_646)
  // Numbers of Park and Miller: any will do, as long as the seed gives the same again.
  const next = (below: number): number => (random = (random * 48_271) % 2_147_483_647) % below
  try {
    for (let run = 0; run < runs; run++) await play(kept, scenario, next)
  } catch (error) {
    throw new Error(`RACE_SEED=${seed}`, { cause: error })
  }
}

/** Runs one interleaving, and answers with how many moves there were to choose from, at each choice. */
async function play<Seed>(
  kept: Kept,
  scenario: Scenario<Seed>,
  decide: (options: number, at: number) => number
): Promise<readonly number[]> {
  const branches: number[] = []
  const trace: string[] = []
  const choose = (options: number): number => decide(options, branches.push(options) - 1)
  try {
    await run(kept, scenario, choose, trace)
    return branches
  } catch (error) {
    throw new Error(trace.join('\n'), { cause: error })
  }
}

async function run<Seed>(
  kept: Kept,
  scenario: Scenario<Seed>,
  choose: (options: number) => number,
  trace: string[]
): Promise<void> {
  await kept.clear()
  let ids = 0
  const newId = () => `s${++ids}`
  const doors = new Doors()
  const behind = new Process(kept.store, newId)
  const seed = await scenario.seed(behind)
  const old = await notings(kept.store, ['U', 'V', 'W'])
  const world: World<Seed> = {
    seed,
    behind,
    trace,
    site: (name) => {
      const store = gated(name, kept.store, doors, trace, scenario.aged ? old : new Set())
      return new Process(scenario.broken?.(store, name) ?? store, newId)
    },
    stored: () => stored(kept)
  }
  let running = 0
  const broken: unknown[] = []
  for (const program of scenario.programs(world)) {
    running++
    program()
      .catch((error: unknown) => broken.push(error))
      .finally(() => running--)
  }
  try {
    for (await quiet(); doors.waiting.length > 0; await quiet()) {
      const { waiting } = doors
      const move = waiting[waiting.length === 1 ? 0 : choose(waiting.length)]!
      doors.remove(move)
      await move.make()
      await assertNoted(kept)
    }
  } catch (error) {
    broken.push(error)
    await letGo(doors)
  }
  if (broken.length > 0) throw broken[0]
  if (running > 0) throw new Error('somebody waits for ever')
  await scenario.check(world)
}

/** Nobody is left waiting behind a schedule that went wrong. */
async function letGo(doors: Doors): Promise<void> {
  for (await quiet(); doors.waiting.length > 0; await quiet()) {
    const move = doors.waiting[0]!
    doors.remove(move)
    await move.make()
  }
}

/** No session is stored that its user does not have in the index. */
async function assertNoted(kept: Kept): Promise<void> {
  for (const [id, { user }] of await stored(kept)) {
    if (user === undefined) continue
    const entries = await kept.store.index!.list(user)
    if (!entries.some((entry) => entry.id === id)) throw new Error(`${id} is ${user}'s, and not noted`)
  }
}

async function stored(kept: Kept) {
  const records = (await kept.texts()).map(([id, text]) => [id, decodeRecord(text, LIMITS)] as const)
  return new Map(
    records.filter(([, { moved }]) => !moved).map(([id, { user, handle }]) => [id, { user, handle }])
  )
}

async function notings(store: Store, users: readonly string[]): Promise<ReadonlySet<number>> {
  const entries = await Promise.all(users.map((user) => store.index!.list(user)))
  return new Set(entries.flat().map(({ noted }) => noted))
}

function gated(name: string, store: Store, doors: Doors, trace: string[], old: ReadonlySet<number>): Store {
  const stop = async <T>(command: string, apply: () => Promise<T>): Promise<T> => {
    await doors.pass(`${name} ${command}`)
    const answer = await apply()
    trace.push(`${name} ${command} → ${JSON.stringify(answer)}`)
    return answer
  }
  const index = store.index!
  const aged = (entries: readonly IndexEntry[]) =>
    entries.map((entry) => (old.has(entry.noted) ? { ...entry, age: 3_600_000 } : entry))
  const gatedIndex: SessionIndex = {
    add: (user, id, ttl) =>
      stop(`add ${user} ${id}`, async () => {
        const { noted, oldest } = await index.add(user, id, ttl)
        return { noted, oldest: aged(oldest) }
      }),
    end: (user, ...rest) => stop(`end ${user}`, async () => aged(await index.end(user, ...rest))),
    ended: (user) => stop(`ended ${user}`, () => index.ended(user)),
    list: (user) => stop(`list ${user}`, async () => aged(await index.list(user))),
    renew: (user, entry) => stop(`renew ${user} ${entry.id}`, () => index.renew(user, entry)),
    remove: (user, entry) => stop(`remove ${user} ${entry.id}`, () => index.remove(user, entry))
  }
  return {
    contract: 1,
    get: (id, ttl) => stop(`get ${id}`, () => store.get(id, ttl)),
    set: (id, ...rest) => stop(`set ${id}`, () => store.set(id, ...rest)),
    touch: (id, ttl) => stop(`touch ${id}`, () => store.touch(id, ttl)),
    destroy: (id, expected) => stop(`destroy ${id}`, () => store.destroy(id, expected)),
    life: (id) => stop(`life ${id}`, () => store.life!(id)),
    index: gatedIndex
  }
}
