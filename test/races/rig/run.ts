import { inspect } from 'node:util'
import type { SessionScope } from '../../../lib/session/scope'
import { SessionCookie } from '../../../lib/cookie/session-cookie'
import { createHandle, createRevision, encodeRecord } from '../../../lib/repository/record'
import type { Merge } from '../../../lib/repository/merge'
import { RecordRepository } from '../../../lib/repository/record-repository'
import type { Repository } from '../../../lib/repository/repository'
import type { Store } from '../../../lib/stores/store'
import { Actor, type Stage } from './actor'
import type { Backend } from './backends'
import { Doors, type Move } from './doors'
import { type Command, GatedStore, tellWhose } from './gated-store'
import { Model } from './model'
import type { Choose, Event, Fate, Plan } from './plan'
import { jump, pass, passToNextTimer, pauseAt, quiet, resetTime } from './time'

export const LIMITS = { bytes: 10_000, depth: 20 }
export const SETTINGS = {
  name: 'sid',
  idleTimeout: 600_000,
  lifetime: 3_600_000,
  timeout: 1000,
  rememberFor: 3_600_000,
  renew: 'half',
  saveUninitialized: false,
  autoCommit: true,
  whenGone: 'throw',
  whenUnreadable: 'throw'
} as const
/** Milliseconds; two of them are more than the timeout. */
const TICK = 600
const FIRST = 's0'
const DATA = { a: 'a-0', b: 'b-0', list: ['list-0'], n: 0 }

/** What replaces parts of the real thing; for tests of the rig, something broken. */
export interface Parts {
  store?(store: Store, backend: Backend): Store
  repository?(repository: RecordRepository, first: string): Repository
  merge?: Merge
}

export interface Outcome {
  readonly problems: readonly string[]
  /** What happened, a line each. */
  readonly trace: readonly string[]
  /** How many moves there were to choose from, at each choice. */
  readonly branches: readonly number[]
}

/** Runs one schedule of a plan. Time must be stopped. */
export async function play(
  plan: Plan,
  backend: Backend,
  choose: Choose,
  parts: Parts = {}
): Promise<Outcome> {
  await backend.clear()
  await resetTime()
  const run = new Run(plan, backend, choose, parts)
  pauseAt(() => run.doors.pass('a pause ends'))
  try {
    return await run.play()
  } finally {
    pauseAt(undefined)
  }
}

class Run {
  readonly doors = new Doors()
  readonly #model: Model
  readonly #store: Store
  readonly #trace: string[] = []
  readonly #branches: number[] = []
  readonly #repositories = new Map<number, Repository>()
  readonly #browser = { cookie: FIRST as string | undefined }
  readonly #running = new Set<number>()
  readonly #fates: Fate[]
  #ticks: number
  #crash: { readonly process: number; readonly sent: boolean } | undefined
  #crashed: number | undefined
  #ids = 0

  constructor(
    private readonly plan: Plan,
    private readonly backend: Backend,
    private readonly choose: Choose,
    private readonly parts: Parts
  ) {
    const { fates = [], ticks = 0, crash } = plan.trouble ?? {}
    this.#fates = [...fates]
    this.#ticks = ticks
    this.#crash = crash
    this.#model = new Model(plan.trouble !== undefined, plan.foreign === true, SETTINGS.lifetime)
    this.#store = parts.store?.(backend.store, backend) ?? backend.store
  }

  async play(): Promise<Outcome> {
    const problems = this.#model.problems
    await this.#seed()
    for (const i of this.plan.requests.keys()) this.#start(i)
    for (const event of this.plan.events ?? []) {
      this.doors.add({ label: event, make: () => this.#happen(event) })
    }
    await quiet()
    let silences = 0
    while (problems.length === 0) {
      const moves = this.#moves()
      if (moves.length > 0) await this.#move(moves)
      else if (this.#running.size === 0) break
      else if (++silences > 20 || !(await passToNextTimer())) problems.push('a request waits for ever')
      await quiet()
    }
    if (problems.length === 0) this.#model.finish()
    return { problems, trace: this.#trace, branches: this.#branches }
  }

  async #seed(): Promise<void> {
    const frame = { handle: createHandle(), cookie: undefined, sent: undefined, revs: [createRevision()] }
    const data = JSON.stringify(DATA)
    const text = this.plan.foreign ? data : encodeRecord(data, frame)
    await this.backend.store.set(FIRST, text, SETTINGS.idleTimeout, null)
    await this.backend.observe(FIRST)
    this.#model.seed(FIRST, text)
  }

  #start(i: number): void {
    const name = `r${i}`
    const process = this.#processOf(i)
    const isAlone = this.plan.requests.every((_request, j) => j === i || this.#processOf(j) !== process)
    const actor = new Actor(name, this.plan.requests[i]!, this.#stage(name, process, isAlone))
    this.#running.add(i)
    actor.run().then(
      () => this.#running.delete(i),
      (error: unknown) => this.#model.problems.push(`${name} broke: ${inspect(error)}`)
    )
  }

  /** Alone in its process, a request meets others only in the store: when it begins something makes no difference. */
  #stage(name: string, process: number, isAlone: boolean): Stage {
    const repository = this.#repositoryOf(process)
    const genid = () => {
      const id = `s${++this.#ids}`
      this.#model.creates(name, id)
      return id
    }
    const scope: Stage['scope'] = {
      settings: { ...SETTINGS, renew: this.plan.renew ?? SETTINGS.renew, genid },
      repository,
      req: { headers: {} } as SessionScope['req'],
      defaults: new SessionCookie(),
      canSendCookie: () => true
    }
    return {
      model: this.#model,
      scope,
      browser: this.#browser,
      survives: () => (process === this.#crashed ? new Promise(() => undefined) : Promise.resolve()),
      note: (line) => this.#trace.push(`${name} ${line}`),
      turn: (label, matters = !isAlone) =>
        matters ? this.doors.pass(`${name} ${label}`, process) : Promise.resolve()
    }
  }

  #processOf(i: number): number {
    return this.plan.requests[i]!.process ?? 100 + i
  }

  #repositoryOf(process: number): Repository {
    let repository = this.#repositories.get(process)
    if (!repository) {
      const store = new GatedStore(this.#store, (command) => this.#stop(command, process))
      const real = new RecordRepository(store, LIMITS, SETTINGS.timeout, this.parts.merge)
      tellWhose(real, store)
      repository = this.parts.repository?.(real, FIRST) ?? real
      this.#repositories.set(process, repository)
    }
    return repository
  }

  /** A command waits in front of the store; then it is applied, and its answer returns as its fate will have it. */
  #stop(command: Command, process: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (process === this.#crashed) return
      const label = `${actorsOf(command)} ${command.name} ${command.id}`
      const fail = (reason: string) => reject(new Error(reason))
      const arrive = async (fate: Fate): Promise<void> => {
        if (fate !== 'ok') this.#trace.push(`${label}: ${fate}`)
        if (fate === 'refused') return fail('refused')
        const [answer] = await Promise.allSettled([command.apply()])
        this.#trace.push(
          `${label} → ${JSON.stringify(answer.status === 'fulfilled' ? answer.value : answer.reason)}`
        )
        this.#model.observe(command.by, command.name, command.id, await this.backend.observe(command.id))
        const give = () =>
          answer.status === 'fulfilled' ? resolve(answer.value) : reject(answer.reason as Error)
        if (fate === 'ok') give()
        else if (fate === 'lost') fail('the answer was lost')
        else if (fate === 'slow') this.doors.add({ label: `${label} is answered`, process, make: give })
        else this.doors.add({ label: `${label} again`, process, sent: true, make: () => arrive('ok') })
      }
      this.doors.add({ label, process, sent: true, make: () => arrive(this.#fates.shift() ?? 'ok') })
    })
  }

  #moves(): readonly Move[] {
    const moves = [...this.doors.waiting]
    if (this.#running.size === 0) return moves
    if (this.#ticks > 0) moves.push({ label: 'time passes', make: () => this.#tick() })
    const crash = this.#crash
    if (crash) {
      const make = () => this.#kill(crash.process, crash.sent)
      moves.push({ label: `process ${crash.process} is killed`, make })
    }
    return moves
  }

  async #move(moves: readonly Move[]): Promise<void> {
    const move = moves[moves.length === 1 ? 0 : this.#decide(moves.length)]!
    this.doors.remove(move)
    if (!move.sent) this.#trace.push(move.label)
    await move.make()
  }

  #decide(options: number): number {
    this.#branches.push(options)
    return this.choose(options)
  }

  #tick(): Promise<void> {
    this.#ticks--
    return pass(TICK)
  }

  #kill(process: number, sent: boolean): void {
    this.#crash = undefined
    this.#crashed = process
    this.doors.crash(process, sent)
    for (const i of this.#running) if (this.#processOf(i) === process) this.#running.delete(i)
  }

  async #happen(event: Event): Promise<void> {
    if (event === 'outlive') {
      this.#model.outlived = true
      return jump(SETTINGS.lifetime)
    }
    await this.backend.expire(FIRST)
    this.#model.observe([], event, FIRST, await this.backend.observe(FIRST))
  }
}

function actorsOf({ by }: Command): string {
  return by.map(({ actor }) => actor).join('+')
}
