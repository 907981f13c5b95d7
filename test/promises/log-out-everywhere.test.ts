import session, { type Sessions, type Store } from '../../lib'
import { onBothStores } from '../races/support/stores'
import { begin, held } from '../races/support/visit'
import { CountingStore } from '../support/counting-store'
import { type Bag, secret, type Visitor } from '../support/site'
import { rounds } from './support/stops'

const user = (s: object) => (s as Bag).user as string | undefined

/** Another process that ends sessions. */
const process2 = (store: Store): Sessions => session({ secret, store, user, timeout: 20_000 })

const rotate = (visitor: Visitor) => visitor.visit((s) => s.regenerate({ keep: true }).then(() => null))

onBothStores((store) => {
  let name = ''
  let count = 0
  beforeEach(() => void (name = `thief ${++count}`))

  test('ends a session that gets a new id whenever it is about to be found', async () => {
    const { site, visitor } = await begin(store(), { user: name }, { user })
    const slow = new CountingStore(store())
    const everywhere = process2(slow)
    // Not without an end: a destroy that looks until it finds nothing new would never come to one.
    let left = 100
    slow.always((ask, { id }) => (id === visitor.id && left-- > 0 ? rotate(visitor).then(ask) : ask()), 'get')
    await everywhere.destroy(name)
    expect(await held(visitor)).toEqual({})
    expect(await everywhere.list(name)).toEqual([])
    await site.stop()
  })

  test('ends a session that has had forty ids, and gets new ones without a pause', async () => {
    for (let round = 0; round < rounds(3); round++) {
      const { site, visitor } = await begin(store(), { user: name }, { user })
      const everywhere = process2(store())
      for (let i = 0; i < 40; i++) await rotate(visitor)
      let isEnding = true
      const thief = (async () => {
        while (isEnding) await rotate(visitor)
      })()
      await everywhere.destroy(name)
      isEnding = false
      await thief
      expect(await held(visitor)).toEqual({})
      expect(await everywhere.list(name)).toEqual([])
      await site.stop()
    }
  })

  test('ends every one of many sessions that get new ids without a pause', async () => {
    const { site, visitor } = await begin(store(), { user: name }, { user })
    const everywhere = process2(store())
    const thieves = [visitor, ...Array.from({ length: rounds(10) }, () => site.visitor())]
    for (const thief of thieves) await thief.ask((s) => void (s.user = name))
    let isEnding = true
    const running = thieves.map(async (thief) => {
      do await rotate(thief)
      while (isEnding)
    })
    await everywhere.destroy(name)
    isEnding = false
    await Promise.all(running)
    const left = await Promise.all(thieves.map((thief) => held(thief)))
    expect(left.filter((data) => 'user' in data)).toEqual([])
    expect(await everywhere.list(name)).toEqual([])
  })

  test('spares who logs in afterwards', async () => {
    const { visitor } = await begin(store(), { user: name }, { user })
    const everywhere = process2(store())
    expect(await everywhere.destroy(name)).toBe(1)
    await visitor.ask(async (s) => void ((await s.regenerate()).user = name))
    await rotate(visitor)
    expect(await held(visitor)).toEqual({ user: name })
    expect(await everywhere.list(name)).toHaveLength(1)
  })
})
