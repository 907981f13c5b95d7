import type { SessionScope } from '../../lib/session/scope'
import { giveLife, idleLife, lifetimeLeft, renewalDue } from '../../lib/session/lifetime'
import { SessionCookie } from '../../lib/cookie/session-cookie'
import { beganAt, createHandle, decodeMeta } from '../../lib/repository/record'
import { advance, stopClock } from '../support/clock'
import { fails } from '../support/counting-store'
import { draft, patient, setUp } from '../support/repository'
import { until } from '../support/site'

const DAY = 86_400_000
const clocks = { idleTimeout: 1000, lifetime: 5000 }

describe('a handle', () => {
  it('is a UUIDv7 whose time is now', () => {
    const before = Date.now()
    const handle = createHandle()
    expect(handle).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(beganAt(handle)).toBeGreaterThanOrEqual(before)
    expect(beganAt(handle)).toBeLessThanOrEqual(Date.now())
  })

  it('has the time of RFC 9562, appendix A.6', () => {
    expect(beganAt('017f22e2-79b0-7cc3-98c4-dc0c0c07398f')).toBe(0x017f22e279b0)
    expect(new Date(0x017f22e279b0).toISOString()).toBe('2022-02-22T19:22:22.000Z')
  })

  it.each([
    ['017f22e2-79b0-7cc3-98c4-dc0c0c07398f', true],
    ['017f22e2-79b0-4cc3-98c4-dc0c0c07398f', false],
    ['017f22e2-79b0-7cc3-c8c4-dc0c0c07398f', false],
    ['017F22E2-79B0-7CC3-98C4-DC0C0C07398F', false],
    ['017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n', false],
    ['', false],
    [undefined, false],
    [7, false]
  ])('%j is one: %s', (value, is) => {
    expect(decodeMeta({ v: 1, handle: value, revs: [] }) !== undefined).toBe(is)
  })
})

describe('the lifetime', () => {
  it('runs from the time of the handle', () => {
    stopClock()
    const handle = createHandle()
    expect(lifetimeLeft(clocks, handle)).toBe(5000)
    advance(DAY)
    expect(lifetimeLeft(clocks, handle)).toBe(5000 - DAY)
  })

  it('never ends where it is Infinity', () => {
    advance(1000 * DAY)
    expect(lifetimeLeft({ ...clocks, lifetime: Infinity }, createHandle())).toBe(Infinity)
  })
})

describe('the idle life', () => {
  const cookie = (maxAge?: number) => new SessionCookie({ maxAge: maxAge ?? null })

  it.each<[number | undefined, number | undefined, number]>([
    [undefined, undefined, 1000],
    [300, 300, 1000],
    [undefined, 300, 300],
    [300, undefined, 1000],
    [300, 200, 200]
  ])('configured cookie.maxAge %s, own %s: %d', (configured, own, life) => {
    expect(idleLife(cookie(own), { settings: clocks, defaults: cookie(configured) })).toBe(life)
  })

  it('is whole, so that nothing ends before its time, and never 0, which stores refuse', () => {
    const settings = { idleTimeout: 1.2, lifetime: 5000 }
    expect(idleLife(cookie(), { settings, defaults: cookie() })).toBe(2)
    expect(idleLife(cookie(0), { settings, defaults: cookie() })).toBe(1)
  })
})

describe('the renewal of the cookie', () => {
  const cookie = new SessionCookie({ maxAge: 1000 })

  it('is due after half of its life, not before', () => {
    stopClock()
    const sent = Date.now()
    expect(renewalDue(cookie.originalMaxAge, sent)).toBe(false)
    expect(renewalDue(cookie.originalMaxAge, sent - 400)).toBe(false)
    expect(renewalDue(cookie.originalMaxAge, sent - 501)).toBe(true)
  })

  it('is due where it is not known when the cookie was sent', () => {
    expect(renewalDue(cookie.originalMaxAge, undefined)).toBe(true)
  })

  it('is never due for a cookie without an age', () => {
    expect(renewalDue(null, undefined)).toBe(false)
    expect(renewalDue(null, 0)).toBe(false)
  })
})

describe('a life that is shorter than the one that reading gave', () => {
  it('is given in the end, however often the store fails at that', async () => {
    const { store, repository } = setUp()
    await repository.commit('a', null, () => draft({}, { ttl: DAY }), patient())
    store.next('touch', fails, fails, fails, fails)
    const scope = { repository, settings: { timeout: 1000 } } as unknown as SessionScope
    const giving = giveLife('a', 60_000, DAY, scope, patient())
    await expect(giving).rejects.toMatchObject({ code: 'ERR_SESSION_STORE' })
    const life = async () => (await store.inner.life!('a'))!
    await until(async () => (await life()) <= 60_000)
    expect(await life()).toBeGreaterThan(30_000)
    expect(store.log).toBe('set touch touch touch touch touch')
  })
})
