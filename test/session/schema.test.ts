import * as v from 'valibot'
import { z } from 'zod'
import session, { type StandardSchema } from '../../lib'
import { listen } from '../support/events'
import { hearWarnings } from '../support/hold-listeners'
import { codeOf } from '../support/outcome'
import { returning, secret, Site, type Bag } from '../support/site'

const schemas: [string, StandardSchema<object>][] = [
  ['zod', z.object({ userId: z.string().optional(), count: z.coerce.number().optional() })],
  [
    'valibot',
    v.object({
      userId: v.optional(v.string()),
      count: v.optional(v.pipe(v.unknown(), v.transform(Number)))
    })
  ]
]

/** A visitor with data from before the application had its schema. */
async function before(schema: StandardSchema<object>, data: object) {
  const { site, visitor } = await returning({}, data as Record<string, unknown>)
  const next = await Site.open({ store: site.store, schema })
  return { site: next, visitor: next.visitor(visitor.cookie) }
}

describe.each(schemas)('a schema of %s', (_library, schema) => {
  it('lets a session pass that fits, and leaves the keys alone that it does not know', async () => {
    const { visitor } = await before(schema, { userId: 'ann', flash: ['saved'] })
    expect(await visitor.ask((s) => [s.userId, s.flash])).toEqual(['ann', ['saved']])
  })

  it('makes a visitor anonymous whose session does not fit, and says so', async () => {
    const { site, visitor } = await before(schema, { userId: 7 })
    const heard = listen()
    expect(await visitor.ask((s) => [s.isNew, s.userId ?? null])).toEqual([true, null])
    expect(heard['holdfast:rejected']).toEqual([{ reason: 'schema', key: 'userId' }])
    expect(site.errors).toEqual([])
  })

  it('brings an old session up to date by a transform, and stores what it made', async () => {
    const { site, visitor } = await before(schema, { userId: 'ann', count: '7' })
    expect(await visitor.ask((s) => [s.count, s.handle.length, s.id === visitor.id])).toEqual([7, 36, true])
    expect(await site.stored(visitor.id)).toMatchObject({ userId: 'ann', count: 7 })
  })

  it('checks again what reload reads', async () => {
    const { site, visitor } = await before(schema, { userId: 'ann', count: '7' })
    const counts = await visitor.ask(async (s) => {
      const first = s.count
      await s.save()
      await s.reload()
      return [first, s.count]
    })
    expect([counts, site.errors]).toEqual([[7, 7], []])
  })
})

it('a schema with keys that have to be there takes a session that has none of them yet', async () => {
  const schema = z.object({ userId: z.string(), cart: z.array(z.string()) })
  const { visitor } = await before(schema, { cart: ['tea'] })
  expect(await visitor.ask((s) => s.cart)).toEqual(['tea'])
  const misfit = await before(schema, { cart: 'tea' })
  expect(await misfit.visitor.ask((s) => s.isNew)).toBe(true)
})

it('valid sees what the schema made of the data', async () => {
  const seen: unknown[] = []
  const { site, visitor } = await returning({}, { n: '7' })
  const schema: StandardSchema<object> = z.object({ n: z.coerce.number() })
  const next = await Site.open({
    store: site.store,
    schema,
    valid: (_req, loaded) => seen.push({ ...loaded }) > 0
  })
  await next.visitor(visitor.cookie).ask((s) => s.n)
  expect(seen).toMatchObject([{ n: 7 }])
})

it.each<[string, StandardSchema<object>, unknown]>([
  ['a Date', z.object({ at: z.date().optional() }), new Date(0)],
  ['a Date deep inside', z.object({ at: z.object({ day: z.date() }).optional() }), { day: new Date(0) }],
  ['an address', z.object({ at: z.instanceof(URL).optional() }), new URL('http://localhost')],
  [
    'what has a toJSON',
    z.object({ at: z.object({ n: z.number() }).optional() }),
    { n: 1, toJSON: () => ({ n: 'one' }) }
  ]
])(
  'a write is refused that the next request could not load, as JSON changes it: %s',
  async (_what, schema, at) => {
    const { site, visitor } = await before(schema, { n: 0 })
    for (const write of [
      (s: Bag) => void (s.at = at),
      (s: Bag) => s.regenerate({ set: { at } as never }),
      (s: Bag) => s.update((state) => void (state.at = at))
    ])
      expect((await visitor.visit(write)).status).toBe(500)
    expect(site.errors.map(({ code, message }) => [code, /schema at (\w+)/.exec(message)?.[1]])).toEqual(
      Array(3).fill(['ERR_SESSION_DATA', 'at'])
    )
    expect(await codeOf(session({ secret, schema }).create({ at } as never))).toBe('ERR_SESSION_DATA')
  }
)

it('a write is taken that the next request can load, as the schema makes of the JSON what it was', async () => {
  const { visitor } = await before(z.object({ at: z.coerce.date().optional() }), { n: 0 })
  await visitor.ask((s) => void (s.at = new Date(0)))
  expect(await visitor.ask((s) => (s.at as Date).getTime())).toBe(0)
  const parsed = z.object({
    at: z
      .string()
      .transform((text) => new Date(text))
      .optional()
  })
  const other = await before(parsed, { at: new Date(0).toISOString() })
  expect(await other.visitor.ask((s) => ((s.n = 1), (s.at as Date).getTime()))).toBe(0)
  expect(await other.visitor.ask((s) => [s.n, (s.at as Date).getTime()])).toEqual([1, 0])
})

it('a write of a key that a strict schema does not know is refused by its name', async () => {
  const schema: StandardSchema<object> = z.strictObject({ cart: z.array(z.string()).optional() })
  const { site, visitor } = await returning({ schema }, {})
  expect((await visitor.visit((s) => void (s.crat = ['tea']))).status).toBe(500)
  expect(site.errors[0]?.message).toMatch(/the option schema \(.*"crat".*\)/)
})

it('developers hear once of a key that does not fit, and nobody of its value', async () => {
  const schema: StandardSchema<object> = v.object({ token: v.optional(v.number()) })
  const { warnings, end } = hearWarnings()
  for (const token of ['one', 'other']) await (await before(schema, { token })).visitor.ask((s) => s.isNew)
  await new Promise(setImmediate)
  end()
  expect(warnings.map(({ message }) => message)).toEqual([
    'a stored session does not fit the option schema at token, and its visitor is anonymous'
  ])
})
