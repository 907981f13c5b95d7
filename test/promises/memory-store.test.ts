import session, { MemoryStore } from '../../lib'
import { atEnd } from '../support/serve'
import { secret, Site, type Bag, type Visitor } from '../support/site'
import { held, meanwhile } from '../races/support/visit'

const user = (s: object) => (s as Bag).user as string | undefined

/** A site that is full at so many bytes, and users who have logged in there and come back. */
async function open(maxBytes: number, count: number) {
  const store = atEnd(new MemoryStore({ maxBytes }), (it) => it.close())
  const site = await Site.open({ store, user, timeout: 20_000 })
  const users = Array.from({ length: count }, () => site.visitor())
  for (const [i, one] of users.entries()) await one.ask((s) => void (s.user = `user ${i}`))
  for (const one of users) await held(one)
  return { store, site, users }
}

async function loggedIn(users: Visitor[]): Promise<number> {
  const all = await Promise.all(users.map((one) => held(one)))
  return all.filter((data) => 'user' in data).length
}

test('logins that fail take no room for long, and push nobody out', async () => {
  const { store, site, users } = await open(25_000, 10)
  let most = 0
  for (let batch = 0; batch < 2; batch++) {
    const logins = Array.from({ length: 30 }, async (_, i) => {
      const visitor = site.visitor()
      await visitor.ask((s) => void (s.n = 1))
      const answer = await meanwhile(
        visitor,
        async (s, wait) => {
          s.user = `somebody who gives up ${batch} ${i}`
          await wait()
        },
        () => visitor.clone().ask((s) => s.destroy())
      )
      expect(answer.status).toBe(409)
    })
    await Promise.all(logins)
    most = Math.max(most, store.bytes)
  }
  expect([most <= 25_000, await loggedIn(users)]).toEqual([true, 10])
})

test('logging out users who have no session takes no room, and pushes nobody out', async () => {
  const store = atEnd(new MemoryStore({ maxBytes: 25_000 }), (it) => it.close())
  const sessions = session({ secret, store, user: (s) => (s as Bag).user as string | undefined })
  const { cookie } = await sessions.create({ user: 'ann' } as never)
  for (let i = 0; i < 1000; i++) await sessions.destroy(`nobody ${i}`)
  expect(store.bytes).toBeLessThan(25_000)
  expect(await sessions.open({ headers: { cookie } })).toMatchObject({ user: 'ann' })
})

test.each<[string, (s: Bag) => Promise<unknown>]>([
  ['saves, and changes something after that', (s) => s.save().then(() => (s.b = 2))],
  ['updates twice', (s) => s.update((draft) => (draft.b = 2)).then(() => s.update((draft) => (draft.c = 3)))],
  ['saves and touches', (s) => s.save().then(() => s.touch())],
  ['saves and reloads', (s) => s.save().then(() => s.reload())]
])('a flood of new visitors whose one visit %s logs nobody out', async (_name, visit) => {
  const { store, site, users } = await open(30_000, 10)
  for (let batch = 0; batch < 4; batch++) {
    const flood = Array.from({ length: 40 }, () =>
      site.visitor().ask(async (s) => {
        s.a = 'what a visitor leaves behind'
        await visit(s)
      })
    )
    await Promise.all(flood)
  }
  expect([store.bytes <= 30_000, await loggedIn(users)]).toEqual([true, 10])
})
