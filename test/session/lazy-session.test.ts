import { inspect, types } from 'node:util'
import type { SessionError } from '../../lib'
import { codeOf } from '../support/outcome'
import { fails, takes } from '../support/counting-store'
import { Site, type Bag, returning } from '../support/site'

/** What each of these does: its value, or the code of its error. */
function outcomes(uses: (() => unknown)[]): unknown[] {
  return uses.map((use) => {
    try {
      return use()
    } catch (error) {
      return (error as SessionError).code
    }
  })
}

const NOT_LOADED = 'ERR_SESSION_NOT_LOADED'

/** Node 26 shows a proxy as one. */
const withoutProxy = (text: string): string => text.replace(/^Proxy\((.*)\)$/s, '$1').replace('Proxy(', '')

describe('before load()', () => {
  it('has load, update, regenerate, destroy and id', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const seen = await visitor.ask((session, req) => ({
      types: [session.load, session.update, session.regenerate, session.destroy].map(
        (member) => typeof member
      ),
      ids: [session.id, req.sessionID],
      has: ['load', 'update', 'regenerate', 'destroy', 'id'].map((name) => name in session)
    }))
    expect(seen).toEqual({
      types: Array(4).fill('function'),
      ids: [visitor.id, visitor.id],
      has: Array(5).fill(true)
    })
    expect(site.store.log).toBe('')
  })

  it('an object can be assigned, and a load that follows gives what was assigned', async () => {
    const { visitor, site } = await returning({ load: 'lazy' }, { n: 1 })
    const keys = await visitor.ask(async (_session, req) => {
      req.session = { m: 2 } as unknown as typeof req.session
      const session = await (req.session as unknown as Bag).load()
      const found = Object.keys(session).sort()
      session.k = 3
      return found
    })
    expect(keys).toEqual(['cookie', 'm'])
    expect(await site.stored(visitor.id)).toEqual({ m: 2, k: 3, '@': expect.anything() })
  })

  it('throws for every other name, whatever is done with it', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const { text } = await visitor.visit((session, _req, res) => {
      const use = [
        () => session.n,
        () => session.userinfo,
        () => session.cookie,
        () => session.handle,
        () => session.isNew,
        () => session.save,
        () => session.reload,
        () => session.touch,
        () => session.toString,
        () => session.hasOwnProperty,
        () => (session.n = 2),
        () => (session.load = 2 as never),
        () => delete session.n,
        () => 'n' in session,
        () => Object.hasOwn(session, 'n'),
        () => Object.keys(session),
        () => JSON.stringify({ session }),
        () => ({ ...session }),
        () => Object.assign(session, { n: 2 }),
        () => Object.defineProperty(session, 'n', { value: 2 }),
        () => {
          for (const name in session) return name
          return 'no names'
        },
        () => session.valueOf
      ]
      res.json(outcomes(use))
    })
    expect(new Set(JSON.parse(text) as string[])).toEqual(new Set([NOT_LOADED]))
    expect(site.store.log).toBe('')
  })

  it('says what to write instead', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const { status } = await visitor.visit((session) => session.userinfo)
    expect(status).toBe(500)
    const [error] = site.errors
    expect(error?.code).toBe(NOT_LOADED)
    expect(error?.message).toMatch(/^req\.session\.userinfo /)
    for (const remedy of ['await req.session.load()', 'loadSession', 'await req.session.update(']) {
      expect(error?.message).toContain(remedy)
    }
  })

  it('does not throw where promises, loggers, templates and test tools look', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const seen = await visitor.ask(async (session) => {
      const before = session as Bag & Record<symbol, unknown>
      return [
        (await (async () => session)()) === session,
        (await Promise.resolve(session)) === session,
        session.then,
        'then' in session,
        withoutProxy(inspect(session)),
        withoutProxy(inspect({ session }, { depth: 5, showHidden: true })).includes('session: Session'),
        Object.prototype.toString.call(session),
        before[Symbol.iterator],
        before[Symbol.toPrimitive],
        before[Symbol('any')],
        Symbol.iterator in session,
        Object.hasOwn(session, Symbol.toStringTag),
        Object.hasOwn(session, 'then'),
        Object.hasOwn(session, 'toJSON'),
        Object.hasOwn(session, 'constructor'),
        typeof session.constructor,
        'constructor' in session,
        session instanceof (session.constructor as never),
        types.isProxy(session)
      ]
    })
    expect(seen).toEqual([
      ...[true, true, null, false],
      ...['Session {}', true, '[object Object]'],
      ...[null, null, null, false],
      ...[false, false, false, false],
      ...['function', true, true, true]
    ])
    expect(site.store.log).toBe('')
  })

  it('keeps the id that it told, for a visitor without one', async () => {
    let made = 0
    const genid = jest.fn(() => `id-${++made}`)
    const site = await Site.open({ load: 'lazy', genid })
    const visitor = site.visitor()
    const ids = await visitor.ask(async (session, req) => {
      const early = [req.sessionID, session.id]
      const loaded = await session.load()
      loaded.n = 1
      return [...early, loaded.id, req.sessionID]
    })
    expect(new Set(ids)).toEqual(new Set([visitor.id]))
    expect(genid).toHaveBeenCalledTimes(1)
  })

  it('does not keep an id that the visitor made up or that is not there any more', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const old = visitor.id
    await site.store.inner.destroy(old)
    const ids = await visitor.ask(async (session) => {
      const early = session.id
      const loaded = await session.load()
      loaded.n = 1
      return [early, loaded.id]
    })
    expect(ids).toEqual([old, visitor.id])
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(old)).toBeNull()
  })

  it('updates: one read, one write', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    expect(await visitor.ask((session) => session.update((draft) => (draft.n = Number(draft.n) + 1)))).toBe(2)
    expect(site.store.log).toBe('get set')
  })

  it('destroys without loading', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const { id } = visitor
    const gone = await visitor.ask(async (session, req) => {
      await session.destroy()
      return req.session === undefined
    })
    expect(gone).toBe(true)
    expect(site.store.log).toBe('get destroy')
    expect(await site.stored(id)).toBeNull()
    expect(visitor.hasCookie).toBe(false)
  })

  it('regenerates without loading: the new one is written, then the old one ends', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const old = visitor.id
    await visitor.ask(async (session) => {
      await session.regenerate()
    })
    expect(site.store.log).toBe('set get destroy')
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(old)).toBeNull()
  })

  it('regenerates with a read where something is kept', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    expect(await visitor.ask(async (session) => (await session.regenerate({ keep: ['n'] })).n)).toBe(1)
    expect(site.store.log).toBe('get set set')
  })
})

describe('load()', () => {
  it('makes req.session the plain session', async () => {
    const { visitor } = await returning({ load: 'lazy' })
    const seen = await visitor.ask(async (early, req) => {
      const loaded = await early.load()
      return [
        loaded === req.session,
        types.isProxy(req.session),
        loaded.n,
        Object.keys(req.session),
        inspect(req.session).startsWith('Session { n: 1')
      ]
    })
    expect(seen[0]).toBe(true)
    expect(seen.slice(1, 4)).toEqual([false, 1, ['n', 'cookie']])
  })

  it('reads once, however often it is asked, at once or one after the other', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    site.store.always(takes(5), 'get')
    const same = await visitor.ask(async (early) => {
      const both = await Promise.all([early.load(), early.load()])
      const later = await early.load()
      return [both[0] === both[1], later === both[0]]
    })
    expect(same).toEqual([true, true])
    expect(site.store.log).toBe('get')
  })

  it('asks nothing of the store for a visitor without a cookie', async () => {
    const { site } = await returning({ load: 'lazy' })
    expect(await site.visitor().ask(async (early) => Object.keys(await early.load()))).toEqual(['cookie'])
    expect(site.store.log).toBe('')
  })

  it('can be tried again after a failure', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    site.store.next('get', fails)
    const seen = await visitor.ask(async (early) => [
      await codeOf(early.load()),
      outcomes([() => early.n]),
      (await early.load()).n
    ])
    expect(seen).toEqual(['ERR_SESSION_STORE', [NOT_LOADED], 1])
  })

  it('that nobody waits for ends no process when it fails', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    site.store.next('get', fails)
    const { status } = await visitor.visit(async (early) => {
      void early.load()
      await new Promise((resolve) => setTimeout(resolve, 20))
    })
    // Jest fails a test in which a rejection stays unhandled.
    expect(status).toBe(200)
  })
})

describe('a handle taken before load()', () => {
  it('works on after it', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const seen = await visitor.ask(async (early) => {
      const { update } = early
      await early.load()
      early.m = 2
      delete early.n
      Object.defineProperty(early, 'd', { value: 3, enumerable: true, configurable: true, writable: true })
      return [
        early.m,
        'm' in early,
        'n' in early,
        'nothing' in early,
        Object.keys(early),
        { ...early, cookie: 0 },
        JSON.parse(JSON.stringify({ ...early, cookie: 0 })) as unknown,
        Object.hasOwn(early, 'm'),
        typeof early.handle,
        early.isNew,
        early.id === visitor.id,
        early.cookie.path,
        await early.update((draft) => (draft.u = 4)),
        await update((draft) => (draft.v = 5)),
        (await early.save()) ?? null,
        outcomes([() => Reflect.set(early, 'id', 'x')]),
        (await early.reload()) === ((await early.load()) as unknown)
      ]
    })
    expect(seen).toEqual([
      2,
      true,
      false,
      false,
      ['cookie', 'm', 'd'],
      { m: 2, d: 3, cookie: 0 },
      { m: 2, d: 3, cookie: 0 },
      true,
      'string',
      false,
      true,
      '/',
      4,
      5,
      null,
      ['ERR_SESSION_DATA'],
      true
    ])
    expect(await site.stored(visitor.id)).toMatchObject({ m: 2, d: 3, u: 4, v: 5 })
  })

  it('is the new session after regenerate', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    const old = visitor.id
    const seen = await visitor.ask(async (early) => {
      await early.load()
      const next = await early.regenerate()
      early.m = 1
      await early.save()
      return [early.id === next.id, next.m]
    })
    expect(seen).toEqual([true, 1])
    expect(visitor.id).not.toBe(old)
    expect(await site.stored(visitor.id)).toMatchObject({ m: 1 })
  })

  it('is the new session after a regenerate without any load', async () => {
    const { visitor, site } = await returning({ load: 'lazy' })
    await visitor.ask(async (early) => {
      await early.regenerate()
      early.m = 1
    })
    expect(await site.stored(visitor.id)).toMatchObject({ m: 1 })
    expect(await site.stored(visitor.id)).not.toHaveProperty('n')
  })

  it('offers no data after destroy', async () => {
    const { visitor } = await returning({ load: 'lazy' })
    const seen = await visitor.ask(async (early, req) => {
      await early.load()
      await early.destroy()
      return [
        req.session === undefined,
        outcomes([() => early.n]),
        await codeOf(early.load()),
        await codeOf(early.update(() => 1))
      ]
    })
    expect(seen).toEqual([true, ['ERR_SESSION_GONE'], 'ERR_SESSION_GONE', 'ERR_SESSION_GONE'])
  })
})
