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

  constructor(subject, redis) {
    Object.assign(this, { subject, redis })
  }

  async start() {
    this.#server = await ServerProcess.start(this.subject, this.redis.url)
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
    const count = Math.max(Math.ceil(requests * testCase.share), testCase.connections)
    try {
      const { result, ...work } = await this.redis.during(() => this.#run(testCase, count))
      return { ...result, work: Object.fromEntries(Object.entries(work).map(([key, n]) => [key, n / count])) }
    } catch (error) {
      error.message = `${nameOf(this.subject)}: ${error.message}\n${this.#server.errors}`
      throw error
    }
  }

  async #run(testCase, count) {
    const cpu = await this.#server.cpuTime()
    const began = performance.now()
    const durations = await load(this.#connections, this.#cookies[testCase.size], testCase, count)
    const seconds = (performance.now() - began) / 1000
    return { durations, rate: count / seconds, cpu: ((await this.#server.cpuTime()) - cpu) / count }
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
