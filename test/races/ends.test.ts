import type { Bag, Site, Visitor } from '../support/site'
import { codeOf } from '../support/outcome'
import { begin, expire, held, meanwhile } from './support/visit'
import { onBothStores } from './support/stores'

const DATA = { user: 'test', a: 1 }

/** How a session can end while a request of it runs. */
const ENDS: [string, (visitor: Visitor) => Promise<unknown>][] = [
  ['a logout', (visitor) => visitor.ask((session) => session.destroy())],
  ['regenerate', (visitor) => visitor.ask((session) => login(session))],
  ['regenerate with a list', (visitor) => visitor.ask((session) => login(session, ['a']))],
  ['regenerate with everything', (visitor) => visitor.ask((session) => login(session, true))]
]

/** What a request may have done before its session ended. */
const EARLY: [string, (session: Bag) => unknown][] = [
  ['that read', (session) => session.user],
  ['that touched', (session) => session.touch()],
  ['that saved', (session) => save(session)],
  ['that counted', (session) => session.update((draft) => (draft.a = 2))]
]

onBothStores((store) => {
  const endings: typeof ENDS = [
    ...ENDS,
    ['its expiry', async (visitor) => expire(store(), visitor.id)],
    ['its removal', async (visitor) => store().destroy(visitor.id)]
  ]

  describe.each(endings)('after %s', (_name, end) => {
    /** A request that waits somewhere, and goes on when its session has ended. It brings nothing back. */
    async function slow(
      handler: (session: Bag, wait: () => Promise<void>) => unknown,
      options?: Parameters<typeof begin>[2]
    ) {
      const { site, visitor } = await begin(store(), DATA, options)
      const old = visitor.id
      const answer = await meanwhile(visitor, handler, () => end(visitor))
      expect(await isOver(site, old)).toBe(true)
      return { visitor, old, answer }
    }

    test('a slow request that changed something is told, writes nothing and sends no cookie', async () => {
      const { answer } = await slow(async (session, wait) => {
        session.a = 'slow'
        await wait()
      })
      expect([answer.status, JSON.parse(answer.text)]).toEqual([409, { error: 'ERR_SESSION_GONE' }])
      expect(answer.setCookies).toEqual([])
    })

    test('so are save and update, and neither brings anything back', async () => {
      const { answer } = await slow(async (session, wait) => {
        await wait()
        session.a = 'slow'
        return [
          await codeOf(session.save()),
          await codeOf(session.update((draft) => (draft.a = 'slower'))),
          await codeOf(session.reload())
        ]
      })
      expect(JSON.parse(answer.text)).toEqual(Array(3).fill('ERR_SESSION_GONE'))
      expect(answer.setCookies).toEqual([])
    })

    test('a slow request that only read is served, and leaves no trace', async () => {
      const { answer } = await slow(async (session, wait) => {
        await wait()
        return session.user
      })
      expect([answer.status, JSON.parse(answer.text), answer.setCookies]).toEqual([200, 'test', []])
    })

    test("with whenGone: 'drop' its changes go without an error, and nothing comes back", async () => {
      const { answer } = await slow(
        async (session, wait) => {
          session.a = 'slow'
          await wait()
        },
        { whenGone: 'drop' }
      )
      expect([answer.status, answer.setCookies]).toEqual([200, []])
    })

    test.each(EARLY)(
      'a late response (%s) puts no dead id over the cookie that the browser has by then',
      async (_early, early) => {
        const options = { renew: 'always', cookie: { maxAge: 3_600_000 } } as const
        const { answer, old, visitor } = await slow(async (session, wait) => {
          await early(session)
          await wait()
        }, options)
        expect([answer.status, answer.setCookies]).toEqual([200, []])
        if (visitor.hasCookie && visitor.id !== old)
          expect(await held(visitor)).toMatchObject({ user: 'new' })
      }
    )
  })

  test('two regenerate at once: two sessions, each with its own data, and the old one is dead', async () => {
    const { site, visitor } = await begin(store(), DATA)
    const [old, second] = [visitor.id, visitor.clone()]
    const answer = await meanwhile(
      visitor,
      async (session, wait) => {
        const fresh = await session.regenerate()
        fresh.user = 'first'
        await wait()
      },
      () => second.ask((session) => login(session))
    )
    expect(answer.status).toBe(200)
    expect(new Set([old, visitor.id, second.id]).size).toBe(3)
    expect([await held(visitor), await held(second)]).toEqual([{ user: 'first' }, { user: 'new' }])
    expect(await isOver(site, old)).toBe(true)
  })

  test('two regenerate with everything at once: one has the session, the other is told that it is gone', async () => {
    const { site, visitor } = await begin(store(), DATA)
    const [old, second] = [visitor.id, visitor.clone()]
    const answer = await meanwhile(
      visitor,
      async (session, wait) => {
        await session.regenerate({ keep: true })
        await wait()
      },
      () => second.ask((session) => login(session, true))
    )
    expect([answer.status, answer.setCookies]).toEqual([409, []])
    expect(await held(second)).toEqual({ user: 'new', a: 1 })
    expect(await isOver(site, old)).toBe(true)
  })

  test('regenerate with everything takes along what was stored meanwhile', async () => {
    const { visitor } = await begin(store(), DATA)
    const answer = await meanwhile(
      visitor,
      async (session, wait) => {
        const moved = await session.regenerate({ keep: true })
        moved.b = 'mine'
        await wait()
      },
      () => visitor.clone().ask((session) => void Object.assign(session, { a: 'theirs', c: 'theirs' }))
    )
    expect(answer.status).toBe(200)
    expect(await held(visitor)).toEqual({ user: 'test', a: 'theirs', b: 'mine', c: 'theirs' })
  })

  test('a late response puts no id over the new one, although the old one still leads there', async () => {
    const { visitor } = await begin(store(), DATA, { renew: 'always' })
    const answer = await meanwhile(
      visitor,
      async (session, wait) => {
        await wait()
        return session.user
      },
      () => visitor.ask((session) => login(session, true))
    )
    expect(answer.setCookies).toEqual([])
  })

  test('a request that comes with the old id while a new one is being made is as before, or anonymous', async () => {
    const { visitor } = await begin(store(), DATA)
    const other = visitor.clone()
    const seen: unknown[] = []
    await meanwhile(
      visitor,
      async (session, wait) => {
        await session.regenerate({ keep: true })
        await wait()
      },
      async () => seen.push(await held(other))
    )
    seen.push(await held(other))
    expect(seen).toEqual([DATA, {}])
  })
})

function save(session: Bag): Promise<void> {
  session.a = 2
  return session.save()
}

async function login(session: Bag, keep: true | string[] = []): Promise<void> {
  const fresh = await session.regenerate({ keep: keep as true })
  fresh.user = 'new'
}

/** Whether nothing is stored under the id, or only what leads to another one. */
async function isOver(site: Site, id: string): Promise<boolean> {
  const stored = await site.stored(id)
  return stored === null || (stored['@'] as { moved?: boolean }).moved === true
}
