import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A program out of a document, running. */
export class Program {
  /** What it printed so far. */
  output = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(file: string, env: NodeJS.ProcessEnv) {
    this.#child = fork(file, {
      execArgv: ['--require', join(__dirname, 'listen-anywhere.cjs')],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    })
    this.#ended = once(this.#child, 'close')
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
  }

  /** Resolves to the address it serves. */
  async url(): Promise<string> {
    const port: unknown = await Promise.race([
      once(this.#child, 'message').then(([message]: unknown[]) => message),
      this.#ended.then(() => {
        throw new Error(`It ended before it listened:\n${this.output}`)
      })
    ])
    return `http://127.0.0.1:${String(port)}`
  }

  /** Resolves to its exit status when it ends by itself. */
  async status(): Promise<number | null> {
    await this.#ended
    return this.#child.exitCode
  }

  async stop(): Promise<void> {
    this.#child.kill()
    await this.#ended
  }
}
