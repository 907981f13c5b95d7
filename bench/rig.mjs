import { performance } from 'node:perf_hooks'
import { takesPart } from './cases.mjs'
import { Connection } from './connection.mjs'
import { beginSessions, load } from './load.mjs'
import { ServerProcess } from './server-process.mjs'
import { nameOf } from './subjects.mjs'

/** A server, the visitors that it knows, and the connections to it. */
export class Rig {
  #server
  #connections = []
  /** The visitors' cookies, by the size of their sessions. */
  #cookies = {}

  /** @param options - of the process, see {@link ServerProcess.start} */
  constructor(subject, redis, options) {
    Object.assign(this, { subject, redis, options })
  }

  async start() {
    this.#server = await ServerProcess.start(this.subject, this.redis.url, this.options)
  }

  /** Gives the compiler time: it works in the same process, and its work counts. */
  async warmUp(cases, { warmUp, requests }) {
    const taking = cases.filter((one) => one.size === 'small' && takesPart(this.subject, one))
    for (let sent = 0; sent < warmUp; sent += requests * taking.length) {
      for (const testCase of taking) {
        await this.open(testCase)
        await this.run(testCase, requests)
        this.close()
      }
    }
  }

  /** Opens the connections of a case, and begins the sessions that are missing. */
  async open({ size, connections }) {
    const { port } = this.#server
    const cookies = (this.#cookies[size] ??= [])
    const missing = Math.max(0, connections - cookies.length)
    this.#connections = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))
    cookies.push(...(await beginSessions(this.#connections.slice(0, missing), size)))
  }

  /** Sends the requests of a case: as many as are asked for, fewer where one takes long. */
  async run(testCase, requests) {
    const count = countOf(testCase, requests)
    try {
      const cpu = await this.#server.ask('cpu')
      const began = performance.now()
      const { durations, failed } = await load(
        this.#connections,
        this.#cookies[testCase.size],
        testCase,
        count
      )
      const seconds = (performance.now() - began) / 1000
      return {
        durations,
        failed,
        rate: count / seconds,
        cpu: ((await this.#server.ask('cpu')) - cpu) / count
      }
    } catch (error) {
      error.message = `${nameOf(this.subject)}: ${error.message}\n${this.#server.errors}`
      throw error
    }
  }

  /** What a request of a case makes Redis do. */
  async work(testCase, requests) {
    const count = countOf(testCase, requests)
    const send = () => this.run(testCase, requests)
    const { bytesIn, bytesOut } = await this.redis.traffic(send)
    const commands = await this.redis.commandsDuring(send)
    const lost =
      testCase.cookie === 'shared' && this.subject.library ? await this.#lost(testCase, count) : undefined
    return { commands: commands / count, bytesIn: bytesIn / count, bytesOut: bytesOut / count, lost }
  }

  /** The share of the changes of one session that were answered with 200 and are not in it afterwards. */
  async #lost(testCase, count) {
    const before = await this.#hits(testCase)
    const { failed } = await this.run(testCase, count)
    const saved = count - failed
    return Math.max(0, saved - ((await this.#hits(testCase)) - before)) / saved
  }

  async #hits({ size }) {
    const { body } = await this.#connections[0].get('/hits', this.#cookies[size][0])
    return Number(body)
  }

  close() {
    for (const connection of this.#connections) connection.close()
    this.#connections = []
  }

  async stop() {
    this.close()
    await this.#server?.stop()
  }
}

function countOf({ share, connections }, requests) {
  return Math.max(Math.ceil(requests * share), connections)
}
