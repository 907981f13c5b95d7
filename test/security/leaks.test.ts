import { inspect } from 'node:util'
import { RedisStore } from '../../lib/redis'
import { advance } from '../support/clock'
import { CountingStore, fails, hangs, throws } from '../support/counting-store'
import { listen } from '../support/events'
import { codeOf } from '../support/outcome'
import { startRedis } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { idIn } from '../support/browser'
import { secret, Site, type Bag, type Handler } from '../support/site'

/** Everything that can go wrong, more or less. */
const TROUBLE: Handler[] = [
  (s) => s.n,
  (s) => void (s.n = 2),
  (s) => codeOf(s.save()),
  (s) => s.update(() => Promise.reject(new Error('of the handler'))),
  (s) => void (s.big = 1n),
  (s) => void (s.large = 'x'.repeat(3_000)),
  (s) => void (s.cookie.path = ';'),
  (s) => Object.assign(s, { id: 'x' }),
  (s) => s.update((draft) => draft.save()),
  async (s) => void ((await s.load()).n = 3),
  async (s) => void ((await s.regenerate()).n = 4),
  async (s) => void ((await s.regenerate({ keep: true })).n = 5),
  (s, _req, res) => {
    res.write('begun')
    s.n = 6
    res.end()
  },
  (s) => s.destroy()
]

describe('no id, no cookie value and no secret', () => {
  const told: string[] = []
  const secrets = new Set([secret])
  const note = (...values: unknown[]) =>
    told.push(...values.map((value) => inspect(value, { depth: 20, showHidden: true })))

  afterEach(() => {
    jest.restoreAllMocks()
    told.length = 0
  })

  /** Notes all that is printed, warned, published, or answered. */
  function overhear() {
    for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
      jest.spyOn(console, name).mockImplementation(note)
    }
    jest.spyOn(process, 'emitWarning').mockImplementation(note)
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, 'write').mockImplementation((text) => note(text) > 0)
    }
    return listen()
  }

  /** Asks for trouble on a site, with a visitor who was there before. */
  async function suffer(site: Site, sabotage: (site: Site, round: number) => void) {
    for (const [round, handler] of TROUBLE.entries()) {
      const visitor = site.visitor()
      await visitor.visit(async (s) => void ((await s.load()).n = 1))
      if (!visitor.hasCookie) continue
      const { cookie, id } = visitor
      for (const value of [cookie, decodeURIComponent(cookie), id, cookie.split('.')[1]!]) secrets.add(value)
      sabotage(site, round)
      const { text } = await visitor.visit(handler).catch((error: unknown) => ({ text: inspect(error) }))
      site.store.always(undefined)
      if (visitor.hasCookie) secrets.add(visitor.cookie).add(idIn(visitor.cookie))
      note(text)
    }
    note(...site.errors, ...site.errors.map(({ stack, cause }) => [stack, cause]))
  }

  function expectSilence() {
    expect(told.join('\n').length).toBeGreaterThan(1000)
    for (const value of secrets) expect(told.some((text) => text.includes(value))).toBe(false)
  }

  it('in a log, an error, a warning, a message or an answer, whatever goes wrong', async () => {
    const heard = overhear()
    const sabotages: ((site: Site, round: number) => void)[] = [
      () => undefined,
      (site) => site.store.always(fails),
      (site) => site.store.always(throws, 'set', 'destroy', 'touch'),
      (site) => site.store.always(hangs, 'set', 'destroy'),
      (site) => site.store.always(async () => ({ conflict: 'nonsense' }), 'set'),
      (site) => site.store.always(async () => ({ conflict: null }), 'set'),
      (site) => site.store.always(async () => 'nonsense', 'get')
    ]
    for (const options of [
      {},
      { load: 'lazy' },
      { whenGone: 'drop' },
      { cookie: { secure: true }, proxy: true }
    ] as const) {
      for (const sabotage of sabotages) {
        const site = await Site.open({ ...options, timeout: 20, limits: { bytes: 2_000 } })
        await suffer(site, sabotage)
        await site.stop()
      }
    }
    note(heard)
    expect(heard['holdfast:error'].length).toBeGreaterThan(10)
    expect(heard['holdfast:dropped'].length).toBeGreaterThan(3)
    expectSilence()
  })

  it('where Redis fails', async () => {
    const heard = overhear()
    const redis = atEnd(await startRedis(), (it) => it.stop())
    const store = atEnd(RedisStore.connect(redis.url), (it) => it.close())
    const site = await Site.open({ store: new CountingStore(store), timeout: 2000 })
    await suffer(site, () => undefined)
    const visitor = site.visitor()
    await visitor.ask((s) => void (s.n = 1))
    secrets.add(visitor.id).add(visitor.cookie)
    await redis.kill()
    for (const handler of TROUBLE) note((await visitor.visit(handler)).text)
    note(heard, ...site.errors, ...site.errors.map(({ cause }) => cause))
    expect(site.errors.map(({ code }) => code)).toContain('ERR_SESSION_STORE')
    expectSilence()
  })

  it('in what is told of cookies and records that are not taken, and of a session that comes too late', async () => {
    const heard = overhear()
    const site = await Site.open({ lifetime: 60_000, idleTimeout: 120_000 })
    const [one, other] = [site.visitor(), site.visitor()]
    for (const visitor of [one, other]) {
      await visitor.ask((s) => void (s.n = 1))
      for (const value of [visitor.cookie, visitor.id, visitor.cookie.split('.')[1]!]) secrets.add(value)
    }
    const forged = `${one.cookie.split('.')[0]}.${'A'.repeat(43)}`
    secrets.add(forged)
    const look = async (cookie: string) =>
      note((await site.visitor().visit((s) => s.n ?? null, { headers: { cookie } })).text)
    await look(`sid=${forged}`)
    await look(`sid=${one.cookie}; sid=${other.cookie}`)
    // A session that begins when the headers have gone.
    await site
      .visitor()
      .visit(async (s, _req, res) => {
        res.flushHeaders()
        s.n = 1
        note(await codeOf(s.save()))
        res.end()
      })
      .catch(note)
    await site.store.inner.destroy(one.id)
    await look(`sid=${one.cookie}`)
    await site.store.inner.set(one.id, `half a record {"of":"${one.id}"`, 60_000, null)
    await look(`sid=${one.cookie}`)
    await site.store.inner.touch(other.id, 1e6)
    advance(61_000)
    await look(`sid=${other.cookie}`)

    note(heard, ...site.errors)
    expect(heard['holdfast:rejected'].map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['bad signature', 'ambiguous', 'unknown'])
    )
    expect(heard['holdfast:corrupt']).toHaveLength(1)
    expect(heard['holdfast:expired']).toHaveLength(1)
    expect(told.join()).toContain('ERR_SESSION_HEADERS_SENT')
    for (const value of secrets) expect(told.some((text) => text.includes(value))).toBe(false)
  })

  it('in what a wrong option is refused with', async () => {
    overhear()
    const wrong = 'a wrong secret of some length, told nobody'
    secrets.add(wrong)
    for (const options of [
      { secret: [wrong, ''] },
      { secret: wrong, name: '' },
      { secret: wrong, lifetime: -1 }
    ]) {
      note(await Site.open(options).catch((error: unknown) => error))
    }
    expect(told.filter((text) => text.includes('ERR_SESSION_OPTIONS'))).toHaveLength(3)
    for (const value of secrets) expect(told.some((text) => text.includes(value))).toBe(false)
  })
})

it('a session prints its data when it is logged, and not its id', async () => {
  const site = await Site.open()
  const visitor = site.visitor()
  const printed = await visitor.ask((s: Bag) => {
    s.n = 1
    return s
      .save()
      .then(() => [inspect(s, { depth: 20, showHidden: true }), JSON.stringify(s), inspect({ s })])
  })
  for (const text of printed) expect(text).not.toContain(visitor.id)
})
