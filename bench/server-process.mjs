import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('servers/main.mjs', import.meta.url))

/** The server of a subject, in a process of its own that ends with this one. */
export class ServerProcess {
  #child
  port = 0
  /** The end of what it wrote to its standard error. */
  errors = ''

  /** @param options - `execPath`: the Node to run, `execArgv`: options of Node itself, such as `--cpu-prof` */
  static async start(subject, redisUrl, options = {}) {
    const server = new ServerProcess()
    const child = fork(MAIN, [JSON.stringify([subject, redisUrl])], {
      ...options,
      env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc']
    })
    server.#child = child
    child.stderr.on('data', (chunk) => (server.errors = (server.errors + chunk).slice(-4000)))
    server.port = await server.#answer()
    return server
  }

  /** The answer to a question of servers/observe.mjs, such as `cpu`. */
  ask(question) {
    const answer = this.#answer()
    this.#child.send(question, () => undefined)
    return answer
  }

  async stop() {
    if (this.#hasEnded) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }

  get #hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** The next message, or an error where the process ends before. */
  #answer() {
    const child = this.#child
    if (this.#hasEnded) return Promise.reject(new Error(`a server ended: ${this.errors}`))
    return new Promise((resolve, reject) => {
      const onMessage = (message) => {
        child.off('exit', onExit)
        resolve(message)
      }
      const onExit = () => {
        child.off('message', onMessage)
        reject(new Error(`a server ended: ${this.errors}`))
      }
      child.once('message', onMessage).once('exit', onExit)
    })
  }
}
