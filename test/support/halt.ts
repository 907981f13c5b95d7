/** A place where one request waits, so that others can come in between. */
export class Halt {
  /** Resolves when the request is there. */
  readonly reached: Promise<void>
  #arrive!: () => void
  #release!: () => void
  readonly #released: Promise<void>

  constructor() {
    this.reached = new Promise((resolve) => (this.#arrive = resolve))
    this.#released = new Promise((resolve) => (this.#release = resolve))
  }

  /** What the request waits for. */
  here(): Promise<void> {
    this.#arrive()
    return this.#released
  }

  go(): void {
    this.#release()
  }
}
