import { types } from 'node:util'
import session, { type SessionError } from '../../lib'
import { CountingStore, fails } from '../support/counting-store'
import { Site, returning } from '../support/site'

describe('assigning to req.session before load()', () => {
  it('an object replaces the data of the stored session', async () => {
    const { visitor, site } = await returning({ load: 'lazy' }, { n: 1, old: 1 })
    await visitor.ask((_session, req) => void (req.session = { n: 2 } as never))
    expect(await site.stored(visitor.id)).toEqual({ n: 2, '@': expect.anything() })
    expect(site.store.log).toBe('get set')
  })

  it('null ends it', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const { id } = visitor
    const { status } = await visitor.visit((_session, req) => void (req.session = null as never))
    expect([status, await site.stored(id), visitor.hasCookie]).toEqual([200, null, false])
    expect(site.store.log).toBe('get destroy')
  })
})

describe('loadSession', () => {
  it('gives the plain session to what comes after it', async () => {
    const site = await Site.open({ load: 'lazy' }, (app) => app.use(session.loadSession))
    const visitor = site.visitor()
    await visitor.ask((plain) => void (plain.n = 1))
    site.store.forget()
    expect(await visitor.ask((plain) => [plain.n, types.isProxy(plain)])).toEqual([1, false])
    expect(site.store.log).toBe('get')
  })

  it('passes on why it could not be loaded', async () => {
    const site = await Site.open({ load: 'lazy' }, (app) => app.use(session.loadSession))
    const visitor = site.visitor()
    await visitor.ask((plain) => void (plain.n = 1))
    site.store.next('get', fails)
    expect(await visitor.visit(() => 'never')).toMatchObject({
      status: 503,
      text: '{"error":"ERR_SESSION_STORE"}'
    })
  })

  it('asks the store nothing where the session was read already', async () => {
    const site = await Site.open({}, (app) => app.use(session.loadSession))
    const visitor = site.visitor()
    await visitor.ask((plain) => void (plain.n = 1))
    site.store.forget()
    expect(await visitor.ask((plain) => plain.n)).toBe(1)
    expect(site.store.log).toBe('get')
  })

  it('says so where there is no session to load', () => {
    const next = jest.fn()
    session.loadSession({ headers: {} } as never, {}, next)
    const [error] = next.mock.calls[0] as [SessionError]
    expect(error.code).toBe('ERR_SESSION_OPTIONS')
    expect(error.message).toContain('mount session() before it')
  })
})

it('decides for each request where load is a function', async () => {
  const store = new CountingStore()
  const site = await Site.open({ store, load: (req) => (req.url === '/lazy' ? 'lazy' : 'eager') })
  const visitor = site.visitor()
  await visitor.ask((plain) => void (plain.n = 1))
  store.forget()
  await visitor.visit(() => undefined, { path: '/lazy' })
  expect(store.log).toBe('')
  await visitor.visit(() => undefined, { path: '/eager' })
  expect(store.log).toBe('get')
})

it('says that it was called where it is to be given', () => {
  expect(() => (session.loadSession as () => void)()).toThrow(
    'app.use(loadSession), and not app.use(loadSession())'
  )
})
