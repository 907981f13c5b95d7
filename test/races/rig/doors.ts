/** Something that waits until the schedule lets it happen. */
export interface Move {
  readonly label: string
  /** The process that it belongs to; a crash ends its waiting. */
  readonly process?: number | undefined
  /** A command on its way to the store. */
  readonly sent?: boolean
  make(): void | Promise<void>
}

/** Everything that could happen next, in the order in which it began to wait. */
export class Doors {
  #moves: Move[] = []

  get waiting(): readonly Move[] {
    return this.#moves
  }

  add(move: Move): void {
    this.#moves.push(move)
  }

  /** Resolves when the schedule says so. */
  pass(label: string, process?: number): Promise<void> {
    return new Promise((resolve) => this.add({ label, process, make: resolve }))
  }

  remove(move: Move): void {
    this.#moves = this.#moves.filter((one) => one !== move)
  }

  /** What waits in a process that was killed goes with it; a command that it had sent may still arrive. */
  crash(process: number, sent: boolean): void {
    this.#moves = this.#moves.filter((move) => move.process !== process || (sent && move.sent))
  }
}
