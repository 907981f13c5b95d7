import session from '../../lib'
import type { Handler } from '../support/site'
import { secret, until } from '../support/site'
import { after } from '../support/counting-store'
import { codeOf } from '../support/outcome'
import { Halt } from '../support/halt'
import { onBothStores } from '../races/support/stores'
import { begin, held, meanwhile } from '../races/support/visit'
import { atEachStop, rounds, type Both } from './support/stops'

const ANN = { user: 'ann', a: 1 }

const logout: Handler = (s) => s.destroy()
const KEEPS: [string, true | string[]][] = [
  ['a list of keys', ['user']],
  ['everything', true]
]
const rotate =
  (keep: true | string[]): Handler =>
  (s) =>
    s.regenerate({ keep: keep as true }).then(() => null)

/** What is stored under an id has a user, whoever presents it. */
const usersOf = ({ held: found }: Both) => found.map(({ user }) => user ?? 'nobody')
const nobody = ['nobody', 'nobody', 'nobody']

onBothStores((store) => {
  describe.each(KEEPS)('a session that is carried to a new id with %s', (_name, keep) => {
    test('is over after a logout that came while it was carried, at whatever command', async () => {
      await atEachStop(store(), ANN, [rotate(keep), logout], (both) => {
        if (both.second.status === 200) expect(usersOf(both)).toEqual(nobody)
        else expect(both.second.status).toBe(409)
      })
    })

    test('is over after a logout that was on its way when it was carried, at whatever command', async () => {
      await atEachStop(store(), ANN, [logout, rotate(keep)], (both) => {
        if (both.first.status === 200) expect(usersOf(both)).toEqual(nobody)
        else expect(both.first.status).toBe(409)
      })
    })

    test('is over after a logout that is sent together with the rotation', async () => {
      for (let round = 0; round < rounds(20); round++) {
        const { site, visitor } = await begin(store(), ANN)
        const other = visitor.clone()
        const [, answer] = await Promise.all([visitor.visit(rotate(keep)), other.visit(logout)])
        expect(answer.status).toBe(200)
        expect(await held(visitor)).not.toHaveProperty('user')
        await site.stop()
      }
    })

    test.each<[string, (end: () => Promise<void>) => Handler]>([
      [
        'before it carries the session',
        (end) => async (s) => {
          await end()
          await s.regenerate({ keep: keep as true })
        }
      ],
      [
        'after it carried the session',
        (end) => async (s) => {
          await s.regenerate({ keep: keep as true })
          await end()
        }
      ]
    ])('stays over where the handler takes its time %s', async (when, handler) => {
      const user = (s: object) => (s as { user?: string }).user
      const name = `${when} ${String(keep)}`
      const everywhere = session({ secret, store: store(), user, timeout: 20_000 })
      for (const end of [
        (visitor: { ask(handler: Handler): Promise<unknown> }) => visitor.ask(logout),
        () => everywhere.destroy(name)
      ]) {
        const { site, visitor } = await begin(store(), { user: name }, { user })
        const answer = await meanwhile(
          visitor,
          (s, wait) => handler(wait)(s, undefined as never, undefined as never),
          () => end(visitor.clone())
        )
        expect([answer.status, answer.setCookies]).toEqual([409, []])
        expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_GONE'])
        expect(await everywhere.list(name)).toEqual([])
        await site.stop()
      }
    })

    test.each([1, 3])('ends by a logout whose request began %i rotations ago', async (count) => {
      const { visitor } = await begin(store(), ANN)
      const slow = visitor.clone()
      const answer = await meanwhile(
        slow,
        async (s, wait) => {
          await wait()
          await s.destroy()
        },
        async () => {
          for (let i = 0; i < count; i++) await visitor.ask(rotate(keep))
        }
      )
      expect([answer.status, await held(visitor)]).toEqual([200, {}])
    })

    test('leaves an id that touch does not take for the session, and that lives no longer by it', async () => {
      const { visitor } = await begin(store(), ANN)
      const { id } = visitor
      const answer = await meanwhile(
        visitor.clone(),
        async (s, wait) => {
          await wait()
          return codeOf(s.touch())
        },
        () => visitor.ask(rotate(keep))
      )
      expect(JSON.parse(answer.text)).toBe('ERR_SESSION_GONE')
      await until(async () => (await store().life!(id))! <= 300_000)
      expect(await held(visitor)).toMatchObject({ user: 'ann' })
    })

    test('ends by the socket that was opened with the id before', async () => {
      const { visitor } = await begin(store(), ANN)
      const sockets = session({ secret, store: store(), timeout: 20_000 })
      const own = await sockets.open({ headers: { cookie: `sid=${visitor.cookie}` } })
      await visitor.ask(rotate(keep))
      expect(await codeOf(own!.destroy())).toBe('done')
      expect(await held(visitor)).toEqual({})
    })
  })

  describe('a kept key', () => {
    const CART = { cart: ['apple'] }
    const login: Handler = async (s) => {
      const fresh = await s.regenerate({ keep: ['cart'] })
      fresh.user = 'ann'
    }
    const buy: Handler = (s) => void (s.cart as string[]).push('pear')

    test('has what another request stored while the login took its time', async () => {
      const { visitor } = await begin(store(), CART)
      const answer = await meanwhile(
        visitor,
        async (s, wait) => {
          const fresh = await s.regenerate({ keep: ['cart'] })
          await wait()
          fresh.user = 'ann'
        },
        () => visitor.clone().ask(buy)
      )
      expect(answer.status).toBe(200)
      expect(await held(visitor)).toEqual({ cart: ['apple', 'pear'], user: 'ann' })
    })

    test('has what another request stored while it was carried, at whatever command', async () => {
      await atEachStop(store(), CART, [login, buy], ({ first, second, held: found }) => {
        expect(first.status).toBe(200)
        // A request that comes after the login finds no cart under the old id, and cannot buy.
        if (second.status === 200) expect(found[1]).toEqual({ cart: ['apple', 'pear'], user: 'ann' })
      })
    })

    test('has what was acknowledged, where the login came in between, at whatever command', async () => {
      await atEachStop(store(), CART, [buy, login], ({ first, second, held: found }) => {
        expect(second.status).toBe(200)
        if (first.status === 200) expect(found[2]).toEqual({ cart: ['apple', 'pear'], user: 'ann' })
        else expect(found[2]).toEqual({ cart: ['apple'], user: 'ann' })
      })
    })

    test('that the login itself changed is the login’s', async () => {
      const { visitor } = await begin(store(), { cart: ['apple'], seen: 1 })
      const answer = await meanwhile(
        visitor,
        async (s, wait) => {
          const fresh = await s.regenerate({ keep: ['cart', 'seen'] })
          fresh.cart = ['mine']
          await wait()
        },
        () => visitor.clone().ask((s) => void Object.assign(s, { cart: ['theirs'], seen: 2, other: 3 }))
      )
      expect(answer.status).toBe(200)
      expect(await held(visitor)).toEqual({ cart: ['mine'], seen: 2 })
    })
  })

  test.each(['has removed', 'still has'])(
    'with rolling, a late response puts no dead id over the living one, where the store %s the old record',
    async (state) => {
      const { site, visitor } = await begin(store(), ANN, { renew: 'always' })
      const removal = new Halt()
      if (state === 'still has')
        site.store.next(
          'destroy',
          after(() => removal.here())
        )
      const answer = await meanwhile(
        visitor.clone(),
        async (s, wait) => {
          await wait()
          return s.user
        },
        () => visitor.ask(rotate(true))
      )
      removal.go()
      expect([answer.status, answer.setCookies]).toEqual([200, []])
    }
  )
})
