import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import type { Router } from 'express'
import Redis from 'ioredis'
import type { SessionEvents, SessionOptions } from '../../../lib'
import { type Proxy, startProxy } from '../../support/proxy'
import { type RedisServer, startRedis } from '../../support/redis-server'
import { atEnd } from '../../support/serve'
import { App } from './app'
import { type ClientKind, type Opened, own } from './clients'
import { lagBetween } from './lag'
import { Traces } from './traces'
import { byStatus, load, type Kind, type Outcome, Witness } from './witness'

/** How many requests each row has; `npm run test:long` takes more. */
export const REQUESTS = Number(process.env.FAULT_REQUESTS ?? 60)

const VISITORS = 10

const CHANNELS = ['load', 'commit', 'dropped', 'error', 'corrupt', 'expired', 'rejected'].map(
  (name) => `holdfast:${name}` as keyof SessionEvents
)

interface RigOptions {
  kind?: ClientKind
  /** For `redis-server`. */
  args?: string[]
  options?: Partial<SessionOptions>
  /** Routes that only this test has. */
  routes?: Router
  visitors?: number
  /** Without the proxy. */
  direct?: boolean
}

/**
 * A Redis, a proxy in front of it, an application that goes through the proxy, and visitors who are logged in. A
 * rejection that nobody handles fails the test that runs: Jest sees to it.
 */
export class Rig {
  readonly outcomes: Outcome[] = []
  readonly visitors: Witness[] = []
  /** What the diagnostics channels told, as text. */
  readonly told: { readonly channel: keyof SessionEvents; readonly text: string }[] = []
  /** The server that has the truth: another one after a failover. */
  primary: RedisServer
  opened!: Opened
  app!: App
  traces!: Traces

  private constructor(
    readonly server: RedisServer,
    readonly proxy: Proxy,
    private readonly given: RigOptions
  ) {
    this.primary = server
    for (const channel of CHANNELS) subscribe(channel, this.#listen)
  }

  /** It closes at the end of the test, or of the file if `beforeAll` opened it. */
  static async open(given: RigOptions = {}): Promise<Rig> {
    const server = await startRedis({ args: given.args ?? [] })
    const rig = atEnd(new Rig(server, await startProxy(server.port), given), (it) => it.#close())
    await rig.start()
    await rig.opened.ready()
    for (let i = 0; i < (given.visitors ?? VISITORS); i++) rig.visitors.push(await rig.newVisitor())
    rig.settle()
    return rig
  }

  /** Starts the application, with a client of its own. */
  async start(): Promise<void> {
    const { kind = own, direct, options, routes } = this.given
    this.opened = kind.open((direct ? this.server : this.proxy).url)
    this.app = await App.open(this.opened.store, options, routes)
  }

  /** Stops the application; visitors keep their cookies. */
  async stop(): Promise<void> {
    await this.app.stop()
    await this.opened.close()
  }

  /** All is well: what is there now may be there later. */
  settle(): void {
    this.traces = new Traces(this.opened.client, this.app)
  }

  async newVisitor(): Promise<Witness> {
    const visitor = new Witness(() => this.app.port)
    const { status } = await visitor.ask('/login')
    if (status !== 200) throw new Error(`nobody could log in: ${status}`)
    return visitor
  }

  /** Requests by all visitors, spread over so many milliseconds. */
  async load(requests: number, ms: number, kinds?: readonly Kind[]): Promise<Outcome[]> {
    const outcomes = await load(this.visitors, Math.ceil(requests), ms, kinds)
    this.outcomes.push(...outcomes)
    return outcomes
  }

  /** Requests as by {@link load}, each of which has to be answered with 200. */
  async answersAll(...load: Parameters<Rig['load']>): Promise<Outcome[]> {
    const outcomes = await this.load(...load)
    expect(byStatus(outcomes)).toEqual({ 200: outcomes.length })
    return outcomes
  }

  /** Milliseconds, less those in which this process could not run, until every visitor's session can be read. */
  async recovered(patience = 30_000): Promise<number> {
    const began = performance.now()
    for (const visitor of this.visitors) {
      while ((await visitor.ask('/read')).status !== 200) {
        if (performance.now() - began > patience) throw new Error('it did not recover')
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    const ended = performance.now()
    return ended - began - lagBetween(began, ended)
  }

  /** Asks Redis past the proxy. */
  async redis<T>(ask: (redis: Redis) => Promise<T>, { url } = this.primary): Promise<T> {
    const redis = new Redis(url)
    try {
      return await ask(redis)
    } finally {
      redis.disconnect()
    }
  }

  /** What Redis keeps for each visitor. */
  async texts(): Promise<(string | null)[]> {
    return this.redis((redis) => Promise.all(this.visitors.map(({ id }) => redis.get(`SESSION:${id}`))))
  }

  /** What is wrong: acknowledged and not stored, counted twice, told to the wrong ears. */
  async audit(): Promise<string[]> {
    const texts = await this.texts()
    const complaints = this.visitors.flatMap((visitor, i) => visitor.complaints(texts[i]!))
    const secrets = this.visitors.map(({ id }) => id)
    for (const { channel, text } of this.told) {
      if (secrets.some((secret) => text.includes(secret))) complaints.push(`${channel} told a session id`)
    }
    return complaints
  }

  /** What the {@link audit} finds, and what stays of what happened. */
  async problems(): Promise<string[]> {
    return [...(await this.audit()), ...(await this.traces.left())]
  }

  /** What a channel told. */
  heard(channel: keyof SessionEvents): string[] {
    return this.told.filter((one) => one.channel === channel).map(({ text }) => text)
  }

  async #close(): Promise<void> {
    for (const channel of CHANNELS) unsubscribe(channel, this.#listen)
    await this.stop()
    await this.proxy.stop()
    await this.server.stop()
  }

  readonly #listen = (message: unknown, channel: string | symbol): void => {
    // The text alone: an error keeps the request alive that it came from.
    const text = inspect(message, { depth: null, showHidden: true })
    this.told.push({ channel: channel as keyof SessionEvents, text })
  }
}
