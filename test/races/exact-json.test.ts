import type { Bag } from '../support/site'
import { begin, changes, held } from './support/visit'
import { onBothStores } from './support/stores'

/** All that a conflict could spoil on its way: a decoder that is not JavaScript's own spoils each of them. */
const DATA = {
  zebra: 'first, though not by the alphabet',
  numbers: [1e21, 1e-7, 0.1, 0.1 + 0.2, 2 ** 53, -1, 1.5e300, 5e-324, 12345678901234567000],
  'negative zero': -0,
  empty: { array: [], object: {}, text: '', nothing: null },
  arrays: [[], [[]], [null], [{}]],
  truth: [true, false],
  text: 'ünïcödé 第三次 🎉 \u2028\u2029\u0000\u001f\u007f"\\/',
  lone: '\ud800 and \udfff',
  '': 'a key without a name',
  'ключ 鍵 🔑': 1,
  'integers as keys': { 10: 'ten', 2: 'two', b: 1, a: 2 },
  '10': 'ten',
  constructor: 'a name that objects have',
  deep: { a: { b: { c: { d: { e: [{ f: null }] } } } } },
  apple: 'last'
}

/** What JSON makes of it, which is all that a session promises. */
const kept = JSON.parse(JSON.stringify(DATA)) as Record<string, unknown>

onBothStores((store) => {
  test('what neither request touched survives a conflict exactly, in its order', async () => {
    const { site, visitor } = await begin(store(), { ...DATA, a: 0 })
    const text = await site.store.inner.get(visitor.id)
    const slow = (session: Bag) => (session.slow = 1)
    const answer = await changes(visitor, slow, (session) => void (session.a = 1))
    expect(answer.status).toBe(200)
    const merged = await site.store.inner.get(visitor.id)
    expect(withoutMeta(merged)).toBe(withoutMeta(text).replace('"a":0}', '"a":1,"slow":1}'))
    expect(withoutMeta(merged)).toContain(JSON.stringify(DATA).slice(1, -1))
    expect(await held(visitor)).toEqual({ ...kept, a: 1, slow: 1 })
  })

  test('what both requests stored in a conflict arrives exactly', async () => {
    const { visitor } = await begin(store(), { a: 0 })
    const slow = (session: Bag) => (session.slow = DATA)
    await changes(visitor, slow, (session) => void (session.fast = DATA))
    expect(JSON.stringify(await held(visitor))).toBe(JSON.stringify({ a: 0, fast: kept, slow: kept }))
  })

  test('update sees it exactly, and leaves it so', async () => {
    const { visitor } = await begin(store(), DATA)
    const seen = await Promise.all(
      Array.from({ length: 5 }, () =>
        visitor.clone().ask((session) =>
          session.update((draft) => {
            const { cookie: _cookie, n = 0, ...data } = draft as typeof draft & { n?: number }
            draft.n = n + 1
            return data
          })
        )
      )
    )
    for (const data of seen) expect(JSON.stringify(data)).toBe(JSON.stringify(kept))
    expect(await held(visitor)).toEqual({ ...kept, n: 5 })
  })
})

/** The text without what is Holdfast's own, which comes last. */
function withoutMeta(text: string | null): string {
  return `${text!.slice(0, text!.lastIndexOf(',"@":'))}}`
}
