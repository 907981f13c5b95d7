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
    const message: unknown = await Promise.race([
      once(this.#child, 'message').then(([message]: unknown[]) => message),
      this.#ended.then(() => {
        throw new Error(`It ended before it listened:\n${this.output}`)
      })
    ])
    if (typeof message !== 'number') throw new Error(String(message))
    return `http://127.0.0.1:${message}`
  }

  /** Resolves to its exit status when it ends by itself. */
  async status(): Promise<number | null> {
    await this.#ended
    return this.#child.exitCode
  }

  send(message: string): void {
    this.#child.send(message)
  }

  async stop(): Promise<void> {
    this.#child.kill()
    await this.#ended
  }
}

/** One process for the apps of documents, each on a port of its own, until all of them stop: it loads their libraries once. */
export class Apps {
  readonly #host: Program

  constructor(env: NodeJS.ProcessEnv) {
    this.#host = new Program(join(__dirname, 'apps.cjs'), env)
  }

  /** Starts one, when the one before listens. Resolves to the address it serves. */
  open(file: string): Promise<string> {
    const url = this.#host.url()
    this.#host.send(file)
    return url
  }

  stop(): Promise<void> {
    return this.#host.stop()
  }
}
