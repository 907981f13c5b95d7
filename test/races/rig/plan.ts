/** What a handler does with its session, one thing at a time. */
export type Step =
  | { readonly do: 'load' | 'save' | 'reload' | 'touch' | 'destroy' }
  | { readonly do: 'set' | 'push' | 'delete'; readonly key: string }
  /** The function given to `update` may wait for something, or throw. */
  | { readonly do: 'update'; readonly fn?: 'waits' | 'throws' }
  | { readonly do: 'regenerate'; readonly keep?: true | readonly string[] }

export interface RequestPlan {
  readonly steps: readonly Step[]
  /** Which process serves it; requests of one process share a repository. Default: one of its own. */
  readonly process?: number
  /** `'first'`: it was sent with the session's first id. `'jar'`: with what the browser has when it starts. */
  readonly cookie?: 'first' | 'jar'
  /** Nothing is read before a step needs it. */
  readonly lazy?: boolean
  /** A step that fails does not end the handler. */
  readonly goesOn?: boolean
}

/** What becomes of one store command. */
export type Fate =
  | 'ok'
  /** Applied, but something else happens before the answer arrives. */
  | 'slow'
  /** Not applied, and the caller gets an error. */
  | 'refused'
  /** Applied, and the caller gets an error. */
  | 'lost'
  /** Applied, the answer is lost, and the client sends it again: the caller gets the second answer. */
  | 'twice'

/** What goes wrong. */
export interface Trouble {
  /** Of the store commands, in the order in which they are applied; those beyond the end are `'ok'`. */
  readonly fates: readonly Fate[]
  /** How often time passes: twice is more than the timeout. */
  readonly ticks?: number
  /** One process is killed. What it had sent reaches the store later, or never. */
  readonly crash?: { readonly process: number; readonly sent: boolean }
}

/** `'expire'`: the first session's life in the store ends; `'outlive'`: all sessions are past their lifetime. */
export type Event = 'expire' | 'outlive'

export interface Plan {
  readonly requests: readonly RequestPlan[]
  readonly events?: readonly Event[]
  readonly trouble?: Trouble
  /** Which responses send the cookie again. Default: half. */
  readonly renew?: 'half' | 'always'
  /** The first session was written by another library. */
  readonly foreign?: boolean
}

/** Takes one of so many moves; the whole schedule is the list of its answers. */
export type Choose = (options: number) => number
