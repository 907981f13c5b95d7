import type { Merge, SessionOptions } from '../../lib'
import { begin, type Change, changes, held, meanwhile } from './support/visit'
import { onBothStores } from './support/stores'

const DATA = { a: 1, b: 2, nested: { x: 1, y: 1 }, list: [1] }

const { a: _a, ...withoutA } = DATA
const { b: _b, ...withoutB } = DATA
type Nested = Record<'x' | 'y', number>

/** Takes the items of both lists. */
const merge: Merge = (_base, mine, theirs) => ({
  ...theirs,
  ...mine,
  list: [...new Set([...(theirs.list as unknown[]), ...(mine.list as unknown[])])]
})

type Case = [title: string, slow: Change, fast: Change, left: object, options?: Partial<SessionOptions>]

onBothStores((store) => {
  test.each<Case>([
    [
      'two requests change different keys: both changes are there',
      (s) => (s.a = 'slow'),
      (s) => (s.b = 'fast'),
      { ...DATA, a: 'slow', b: 'fast' }
    ],
    [
      'a request deletes a key that another one leaves alone: it stays deleted',
      (s) => (s.a = 'slow'),
      (s) => delete s.b,
      { ...withoutB, a: 'slow' }
    ],
    [
      'a slow request deletes a key, and takes nothing else with it',
      (s) => delete s.a,
      (s) => void Object.assign(s, { b: 'fast', c: 'new' }),
      { ...withoutA, b: 'fast', c: 'new' }
    ],
    [
      'one request changes a key that another one deletes: the later commit wins',
      (s) => (s.a = 'slow'),
      (s) => delete s.a,
      { ...DATA, a: 'slow' }
    ],
    [
      'one request deletes a key that another one changes: the later commit wins',
      (s) => delete s.a,
      (s) => (s.a = 'fast'),
      withoutA
    ],
    [
      'a change deep inside a value, beside a change of another value',
      (s) => ((s.nested as Nested).x = 2),
      (s) => (s.list as number[]).push(2),
      { ...DATA, nested: { x: 2, y: 1 }, list: [1, 2] }
    ],
    [
      'a nested object is one value: what belongs together is not mixed',
      (s) => ((s.nested as Nested).x = 2),
      (s) => ((s.nested as Nested).y = 2),
      { ...DATA, nested: { x: 2, y: 1 } }
    ],
    [
      'so is an array',
      (s) => (s.list as string[]).push('slow'),
      (s) => (s.list as string[]).push('fast'),
      { ...DATA, list: [1, 'slow'] }
    ],
    [
      'the option merge may mix what the rule does not',
      (s) => (s.list as string[]).push('slow'),
      (s) => (s.list as string[]).push('fast'),
      { ...DATA, list: [1, 'fast', 'slow'] },
      { merge }
    ],
    [
      'both change the same key: the later commit wins',
      (s) => (s.a = 'slow'),
      (s) => (s.a = 'fast'),
      { ...DATA, a: 'slow' }
    ]
  ])('%s', async (...[, slow, fast, left, options]: Case) => {
    const { visitor } = await begin(store(), DATA, options)
    expect((await changes(visitor, slow, fast)).status).toBe(200)
    expect(await held(visitor)).toEqual(left)
  })

  test('ten requests change ten keys at once: all changes are there', async () => {
    const { visitor } = await begin(store(), DATA)
    const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`)
    await Promise.all(keys.map((key) => visitor.clone().ask((session) => void (session[key] = key))))
    expect(await held(visitor)).toEqual({ ...DATA, ...Object.fromEntries(keys.map((key) => [key, key])) })
  })

  test('save: the session then holds what both stored, and goes on from there', async () => {
    const { visitor } = await begin(store(), DATA)
    const answer = await meanwhile(
      visitor,
      async (session, wait) => {
        session.a = 'slow'
        await wait()
        await session.save()
        const seen = session.b
        session.c = 'later'
        return seen
      },
      () => visitor.clone().ask((session) => void (session.b = 'fast'))
    )
    expect(JSON.parse(answer.text)).toBe('fast')
    expect(await held(visitor)).toEqual({ ...DATA, a: 'slow', b: 'fast', c: 'later' })
  })

  test('what changes while a save runs is committed by the response', async () => {
    const { visitor } = await begin(store(), DATA)
    await visitor.ask((session) => {
      session.a = 'before'
      const saved = session.save()
      session.b = 'meanwhile'
      return saved
    })
    expect(await held(visitor)).toEqual({ ...DATA, a: 'before', b: 'meanwhile' })
  })
})
