import { Halt } from '../../support/halt'

/** Holds requests, until the test lets them go on. */
export class Gates {
  readonly #gates = new Map<string, Halt>()

  /** A gate, and the header of the request that has to wait there. */
  close(): { gate: Halt; headers: Record<string, string> } {
    const name = String(this.#gates.size)
    const gate = new Halt()
    this.#gates.set(name, gate)
    return { gate, headers: { 'x-gate': name } }
  }

  /** For a request with this header; others do not wait. */
  async pass(name: string | undefined): Promise<void> {
    await this.#gates.get(name ?? '')?.here()
  }
}
