import { both, Site, visits } from '../support/both'

describe.each(both)('%s under a test runner', (_name, session) => {
  const { setTimeout: real } = globalThis
  afterEach(() => {
    globalThis.setTimeout = real
    jest.restoreAllMocks()
  })

  test('whose setTimeout gives a number, as that of a browser does', async () => {
    const site = await Site.of(session, {}, visits)
    // Not waited for at the end of the tests, although nobody can call unref on a number.
    const given = ((...args: Parameters<typeof real>) =>
      Number(real(...args).unref())) as unknown as typeof real
    globalThis.setTimeout = given
    expect((await site.get()).text).toBe('1')
    expect((await site.get()).text).toBe('2')
  })

  test('that replaces setTimeout by a function of its own', async () => {
    const site = await Site.of(session, {}, visits)
    globalThis.setTimeout = (() => undefined) as unknown as typeof real
    expect((await site.get()).text).toBe('1')
    expect((await site.get()).text).toBe('2')
  })

  test('that sets the clock forward by nothing but Date', async () => {
    const site = await Site.of(session, { cookie: { maxAge: 60_000 } }, visits)
    await site.get()
    const now = Date.now()
    jest.spyOn(Date, 'now').mockReturnValue(now + 120_000)
    expect((await site.get()).text).toBe('1')
  })
})
