/** Holds requests, until the test lets them go on. */
export class Gates {
  readonly #gates = new Map<string, Gate>()

  /** A gate, and the header of the request that has to wait there. */
  close(): { gate: Gate; headers: Record<string, string> } {
    const name = String(this.#gates.size)
    const gate = new Gate()
    this.#gates.set(name, gate)
    return { gate, headers: { 'x-gate': name } }
  }

  /** For a request with this header; others do not wait. */
  async pass(name: string | undefined): Promise<void> {
    const gate = this.#gates.get(name ?? '')
    gate?.arrive()
    await gate?.opened
  }
}

class Gate {
  arrive!: () => void
  open!: () => void
  readonly arrived = new Promise<void>((resolve) => (this.arrive = resolve))
  readonly opened = new Promise<void>((resolve) => (this.open = resolve))
}
