import { isDeepStrictEqual } from 'node:util'
import { announcementAtEnd, commitAtEnd } from '../../../lib/session/end-of-response'
import { RequestSession } from '../../../lib/session/request-session'
import { dataOf, type Session } from '../../../lib/session/session'
import type { SessionScope } from '../../../lib/session/scope'
import { asking } from './gated-store'
import type { Actual, Model, Operation } from './model'
import type { RequestPlan, Step } from './plan'
import { bump, changed, type Data, isDirty, unread, type View } from './view'

type Change = Extract<Step, { readonly key: string }>
type Asked = Exclude<Step, Change>

/** What a function given to `update` throws. */
const THROWN = new Error('thrown by the application')

const NOTHING: Actual = { id: undefined, data: {} }

/** What a request needs of the schedule that it runs in. */
export interface Stage {
  readonly model: Model
  /** What the request has in common with others of its process; its ids are its own. */
  readonly scope: Omit<SessionScope, 'ids'>
  readonly browser: { cookie: string | undefined }
  /** Resolves when the request may go on; at once where that `matters` not. */
  turn(label: string, matters?: boolean): Promise<void>
  /** Resolves unless its process was killed. */
  survives(): Promise<void>
  note(line: string): void
}

/** One request: its handler's steps, and the commit before its response. */
export class Actor {
  readonly #scope: { operation: Operation }
  #request!: RequestSession
  #view!: View
  /** What the handler had when something failed that it was told of: the response goes without it. */
  #excused: View | undefined
  #value = 0

  constructor(
    readonly name: string,
    private readonly plan: RequestPlan,
    private readonly stage: Stage
  ) {
    this.#scope = { operation: undefined as unknown as Operation }
  }

  /** Resolves when the response has gone. */
  run(): Promise<void> {
    return asking.run(this.#scope, () => this.#run())
  }

  async #run(): Promise<void> {
    const { steps, cookie, lazy = false, goesOn = false } = this.plan
    const { browser, model, scope, turn } = this.stage
    const first = browser.cookie
    if (cookie === 'jar') await turn('comes', true)
    const id = cookie === 'jar' ? browser.cookie : first
    this.#view = unread(id, model.now, model.outlived)
    this.#request = new RequestSession({ ...scope, ids: id ? [{ id, current: true }] : [] })
    if (id === undefined) {
      this.#request.begin()
      this.#view = { ...this.#view, state: 'open' }
    }
    let isWell = lazy || (await this.#step({ do: 'load' }))
    if (!isWell) return
    for (const step of steps) {
      if (this.#view.state === 'destroyed') break
      isWell = await this.#step(step)
      if (!isWell && !goesOn) break
    }
    await this.#respond()
  }

  async #step(step: Step): Promise<boolean> {
    const needsLoad =
      step.do === 'update' || step.do === 'destroy' || (step.do === 'regenerate' && !step.keep)
    if (this.#view.state === 'unread' && step.do !== 'load' && !needsLoad) {
      if (!(await this.#step({ do: 'load' }))) return false
    }
    if ('key' in step) {
      this.#change(step)
      return true
    }
    return this.#perform(step)
  }

  /** What a handler does with the data, in memory only. */
  #change({ do: how, key }: Change): void {
    const session = this.#session as unknown as Record<string, unknown>
    const token = `${this.name}-${++this.#value}`
    if (how === 'delete') {
      delete session[key]
      this.#view = changed(this.#view, key, undefined)
    } else if (how === 'set') {
      session[key] = token
      this.#view = changed(this.#view, key, token)
    } else {
      const list = this.#view.mine[key]
      if (Array.isArray(list)) (session[key] as unknown[]).push(token)
      else session[key] = [token]
      this.#view = changed(this.#view, key, [...(Array.isArray(list) ? list : []), token])
    }
  }

  async #perform(step: Asked): Promise<boolean> {
    // The order in which commits begin is the order of their turns; anything else goes straight to the store.
    if (step.do === 'save' || step.do === 'update') await this.stage.turn(step.do)
    if (step.do === 'save' && this.#view.id === undefined) this.#view = { ...this.#view, wanted: true }
    const by = (this.#scope.operation = this.stage.model.begin(this.name, step.do, this.#view))
    try {
      const result = await this.#call(step)
      await this.stage.survives()
      this.stage.note(`${step.do}: ok`)
      const actual = this.#actual()
      if (step.do === 'regenerate') {
        this.#view = this.stage.model.regenerated(by, step.keep, actual)
        this.#excused = undefined
      } else this.#view = this.stage.model.succeeded(by, actual, result)
      return true
    } catch (error) {
      await this.stage.survives()
      this.stage.note(`${step.do}: ${(error as { code?: string }).code ?? String(error)}`)
      if (error === THROWN) {
        this.#view = this.stage.model.thrown(by, this.#actual())
      } else {
        this.#view = this.stage.model.failed(by, error as Error, this.#actual())
        // A failed update answers for itself, and not for what the handler changed before, unless the session is gone.
        const isOver = step.do === 'update' && (error as { code?: string }).code === 'ERR_SESSION_GONE'
        if (step.do === 'save' || step.do === 'destroy' || isOver) this.#excused = this.#view
      }
      return false
    }
  }

  #call(step: Asked): Promise<unknown> {
    const session = this.#session
    if (step.do === 'regenerate') {
      return step.keep ? session.regenerate({ keep: step.keep as true }) : session.regenerate()
    }
    if (step.do !== 'update') return session[step.do]()
    return session.update(async (draft) => {
      if (step.fn === 'throws') throw THROWN
      if (step.fn === 'waits') await this.stage.turn('goes on', true)
      const counted = draft as unknown as { n: number }
      counted.n = bump(counted).n
      return counted.n
    })
  }

  /** What a middleware does before the first byte of the response leaves. */
  async #respond(): Promise<void> {
    const { model } = this.stage
    if (isDirty(this.#view)) await this.stage.turn('responds')
    // A handler that only reads may take its time as well, and then sends the cookie again.
    else if (this.stage.scope.settings.renew === 'always') await this.stage.turn('responds', true)
    const isExcused = this.#excused !== undefined && isSame(this.#excused, this.#view)
    const isOver = isExcused || this.#view.state !== 'open'
    const view = isOver && isDirty(this.#view) ? { ...this.#view, base: this.#view.mine } : this.#view
    const by = (this.#scope.operation = model.begin(this.name, 'commit', view))
    try {
      await commitAtEnd(this.#request)
    } catch (error) {
      await this.stage.survives()
      this.stage.note(`commit: ${(error as { code?: string }).code ?? String(error)}`)
      model.failed(by, error as Error, this.#actual())
      if (announcementAtEnd(this.#request)) model.problems.push(`${this.name} failed, and sent a cookie`)
      return
    }
    await this.stage.survives()
    this.stage.note('commit: ok')
    if (!isOver) this.#view = model.succeeded(by, this.#actual())
    const said = announcementAtEnd(this.#request)
    if (!said) return
    if ('clear' in said) this.stage.browser.cookie = undefined
    else {
      model.announced(by, said.set, this.#view)
      this.stage.browser.cookie = said.set
    }
    this.stage.note(`cookie: ${'clear' in said ? 'clear' : said.set}`)
  }

  get #session(): Session {
    return this.#request.session as Session
  }

  #actual(): Actual {
    const session = this.#request.session
    if (!session) return NOTHING
    try {
      const data = JSON.parse(JSON.stringify(dataOf(session))) as Data
      return { id: session.isNew ? undefined : session.id, data }
    } catch {
      // It could not be read.
      return NOTHING
    }
  }
}

/** Whether nothing changed since, so that the response has nothing new to store. */
function isSame(one: View, other: View): boolean {
  return (
    one.id === other.id &&
    one.from === other.from &&
    one.wanted === other.wanted &&
    isDeepStrictEqual(one.mine, other.mine)
  )
}
