import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compile } from '../../support/compile'

let built = ''

/** Compiles the demo and the library, as plain files that Node runs. */
export function buildDemo(): void {
  built = compile(['lib', 'demo'])
}

/** A process of the demo's server. */
export class DemoProcess {
  output = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>

  /** @param env - all of its environment but PATH; the port is a free one unless PORT says otherwise */
  constructor(env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [join(built, 'demo', 'server.js')], {
      // Elsewhere on purpose: the demo has to find its files wherever it is started.
      cwd: '/',
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const heard = (chunk: string) => {
      this.output += chunk
      this.#child.emit('said')
    }
    this.#child.stdout?.setEncoding('utf8').on('data', heard)
    this.#child.stderr?.setEncoding('utf8').on('data', heard)
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null)
  }

  /** Waits until the output has something to match. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const ended = this.#ended.then(() => true)
    for (;;) {
      const match = pattern.exec(this.output)
      if (match) return match
      const over = await Promise.race([ended, once(this.#child, 'said').then(() => false)])
      if (over && !pattern.test(this.output)) throw new Error(`It ended without ${pattern}:\n${this.output}`)
    }
  }

  /** The address that it says it has. */
  async url(): Promise<string> {
    return (await this.says(/runs at (http:\S+)/))[1] as string
  }

  /** Its exit status, once it has ended. */
  ended(): Promise<number | null> {
    return this.#ended
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it whatever it does; for the end of a test. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
