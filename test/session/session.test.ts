import { inspect } from 'node:util'
import type { SessionError } from '../../lib'
import { beganAt, decodeMeta } from '../../lib/repository/record'
import { CountingStore } from '../support/counting-store'
import { Site, type Bag, returning } from '../support/site'

describe('what a handler sees', () => {
  it('is its own data, and the cookie', async () => {
    const { visitor } = await returning({}, { n: 1, user: { name: 'test' } })
    const seen = await visitor.ask((session) => ({
      keys: Object.keys(session),
      json: JSON.parse(JSON.stringify(session)) as object,
      spread: Object.keys({ ...session }),
      forIn: (() => {
        const names = []
        for (const name in session) names.push(name)
        return names
      })(),
      printed: inspect(session)
    }))
    const names = ['n', 'user', 'cookie']
    expect(seen).toMatchObject({ keys: names, spread: names, forIn: names })
    expect(seen.json).toMatchObject({
      n: 1,
      user: { name: 'test' },
      cookie: { path: '/', originalMaxAge: null }
    })
    expect(seen.printed).toMatch(/^Session \{\s+n: 1,\s+user: \{ name: 'test' \},\s+cookie: SessionCookie/)
  })

  it('never shows what is ours', async () => {
    const { visitor } = await returning()
    expect(await visitor.ask((session) => [Object.hasOwn(session, '@'), session['@'] === undefined])).toEqual(
      [false, true]
    )
  })

  it('has an id, which is what the cookie carries', async () => {
    const { visitor, site } = await returning()
    expect(await visitor.ask((session, req) => [session.id, req.sessionID])).toEqual([visitor.id, visitor.id])
    expect(site.store.calls).toMatchObject([{ operation: 'get', id: visitor.id }])
  })

  it('has a handle: a UUIDv7 whose time is when the session began', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    const before = Date.now()
    const handles = [
      await visitor.ask((session) => {
        session.n = 1
        return session.handle
      }),
      await visitor.ask((session) => session.handle),
      await visitor.ask((session) => session.handle)
    ]
    expect(new Set(handles).size).toBe(1)
    expect(decodeMeta({ v: 1, handle: handles[0], revs: [] })).toBeDefined()
    expect(beganAt(handles[0]!)).toBeGreaterThanOrEqual(before)
    expect(beganAt(handles[0]!)).toBeLessThanOrEqual(Date.now())
  })

  it('says whether anything of it was saved', async () => {
    const site = await Site.open()
    const visitor = site.visitor()
    const first = await visitor.ask(async (session) => {
      const before = session.isNew
      session.n = 1
      const changed = session.isNew
      await session.save()
      return [before, changed, session.isNew]
    })
    expect(first).toEqual([true, true, false])
    expect(await visitor.ask((session) => session.isNew)).toBe(false)
    expect(await visitor.ask(async (session) => (await session.regenerate()).isNew)).toBe(true)
  })

  it('is the same object whenever it is looked at, also after save, update and reload', async () => {
    const { visitor } = await returning()
    const same = await visitor.ask(async (session, req) => {
      const list = [session === req.session, (await session.load()) === session]
      await session.save()
      await session.update((draft) => (draft.n = 2))
      list.push((await session.reload()) === session, session === req.session)
      return list
    })
    expect(same).toEqual([true, true, true, true])
  })
})

describe('reserved names', () => {
  const names = [
    'id',
    'handle',
    'isNew',
    'load',
    'update',
    'save',
    'reload',
    'regenerate',
    'destroy',
    'touch'
  ]

  it.each([...names, '@', '__proto__'])('setting %s throws, and changes nothing', async (name) => {
    const { visitor, site } = await returning()
    const thrown = await visitor.ask((session) => {
      const before = session[name]
      const codes = [
        () => (session[name] = { evil: true }),
        () => Object.assign(session, { [name]: 1 }),
        () => Object.assign(session, JSON.parse(`{"${name}":{"evil":true}}`)),
        () => Reflect.set(session, name, 1)
      ].map((set) => {
        try {
          set()
          return 'taken'
        } catch (error) {
          return (error as SessionError).code
        }
      })
      return { codes, same: session[name] === before, evil: 'evil' in session }
    })
    expect(thrown.codes).toEqual(Array(4).fill('ERR_SESSION_DATA'))
    expect(thrown).toMatchObject({ same: true, evil: false })
    expect(site.store.log).toBe('get')
  })

  it('the error names the name', async () => {
    const { visitor } = await returning()
    const message = await visitor.ask((session) => {
      try {
        session.save = 1 as never
      } catch (error) {
        return (error as Error).message
      }
      return ''
    })
    expect(message).toContain('"save"')
  })

  it('in what another library stored are not taken for data, and do not make it changed', async () => {
    const { visitor, site } = await returning()
    const text = '{"n":1,"id":"x","save":2,"__proto__":{"evil":true},"handle":"h"}'
    await site.store.inner.destroy(visitor.id)
    await site.store.inner.set(visitor.id, text, 60_000, null)
    const seen = await visitor.ask((session) => [
      Object.keys(session),
      typeof session.save,
      session.evil ?? null,
      Object.getPrototypeOf(session) === (session.constructor as unknown as { prototype: object }).prototype
    ])
    expect(seen).toEqual([['n', 'cookie'], 'function', null, true])
    expect(await site.store.inner.get(visitor.id)).toBe(text)
  })

  it.each(['constructor', 'toString', 'hasOwnProperty', 'then', 'valueOf', 'prototype', 'data', ''])(
    'do not include %j, which is data like any other',
    async (name) => {
      const { visitor, site } = await returning()
      await visitor.ask((session) => void (session[name] = 'mine'))
      expect((await site.stored(visitor.id))?.[name]).toBe('mine')
      const { text } = await visitor.visit((session, _req, res) => res.json(session[name]))
      expect(JSON.parse(text)).toBe('mine')
    }
  )
})

describe('the cookie settings of a session', () => {
  it('are kept where they differ from the configuration', async () => {
    const { visitor, site } = await returning()
    await visitor.ask((session) => void (session.cookie.sameSite = 'strict'))
    expect(await site.stored(visitor.id)).toMatchObject({ cookie: { sameSite: 'strict' } })
    expect(await visitor.ask((session) => session.cookie.sameSite)).toBe('strict')
    expect(site.store.log).toBe('get set get')
  })

  it.each<[string, (session: Bag) => void]>([
    ['replaced by an object', (session) => (session.cookie = { path: '/' } as never)],
    ['null', (session) => (session.cookie = null as never)],
    ['undefined', (session) => (session.cookie = undefined as never)],
    ['deleted', (session) => delete (session as Partial<Bag>).cookie]
  ])('cannot be %s', async (_how, change) => {
    const { visitor, site } = await returning()
    const { status, setCookies } = await visitor.visit(change)
    expect([status, setCookies]).toEqual([500, []])
    expect(site.errors).toMatchObject([{ code: 'ERR_SESSION_DATA' }])
    expect(site.store.log).toBe('get')
  })
})

it('is not bound to one store', async () => {
  const store = new CountingStore()
  const [one, other] = [await Site.open({ store }), await Site.open({ store })]
  const visitor = one.visitor()
  await visitor.ask((session) => void (session.n = 1))
  expect(await other.visitor(visitor.cookie).ask((session) => session.n)).toBe(1)
})
