import type { Answer } from '../support/send'
import type { Bag, Handler, Visitor } from '../support/site'
import { begin, held, meanwhile } from './support/visit'
import { onBothStores } from './support/stores'

const DATA = { a: 1, b: 2, nested: { x: 1, y: 1 }, list: [1] }

/** One request makes a change and waits, and another one makes its own meanwhile. Answers with the first one's answer. */
function changes(visitor: Visitor, slow: (session: Bag) => unknown, fast: Handler): Promise<Answer> {
  return meanwhile(
    visitor,
    async (session, wait) => {
      await slow(session)
      await wait()
    },
    () => visitor.clone().ask(fast)
  )
}

onBothStores((store) => {
  test('two requests change different keys: both changes are there', async () => {
    const { visitor } = await begin(store(), DATA)
    const slow = await changes(
      visitor,
      (session) => void (session.a = 'slow'),
      (session) => void (session.b = 'fast')
    )
    expect(slow.status).toBe(200)
    expect(await held(visitor)).toEqual({ ...DATA, a: 'slow', b: 'fast' })
  })

  test('ten requests change ten keys at once: all changes are there', async () => {
    const { visitor } = await begin(store(), DATA)
    const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`)
    await Promise.all(keys.map((key) => visitor.clone().ask((session) => void (session[key] = key))))
    expect(await held(visitor)).toEqual({ ...DATA, ...Object.fromEntries(keys.map((key) => [key, key])) })
  })

  test('a request deletes a key that another one leaves alone: it stays deleted', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => void (session.a = 'slow'),
      (session) => delete session.b
    )
    const { b: _b, ...rest } = DATA
    expect(await held(visitor)).toEqual({ ...rest, a: 'slow' })
  })

  test('a slow request deletes a key, and takes nothing else with it', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => delete session.a,
      (session) => void Object.assign(session, { b: 'fast', c: 'new' })
    )
    const { a: _a, ...rest } = DATA
    expect(await held(visitor)).toEqual({ ...rest, b: 'fast', c: 'new' })
  })

  test('one request deletes a key that another one changes: the later commit wins', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => void (session.a = 'slow'),
      (session) => delete session.a
    )
    expect(await held(visitor)).toMatchObject({ a: 'slow' })
    await changes(
      visitor,
      (session) => delete session.a,
      (session) => void (session.a = 'fast')
    )
    expect(await held(visitor)).not.toHaveProperty('a')
  })

  test('a change deep inside a value, beside a change of another value', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => void ((session.nested as { x: number }).x = 2),
      (session) => (session.list as number[]).push(2)
    )
    expect(await held(visitor)).toEqual({ ...DATA, nested: { x: 2, y: 1 }, list: [1, 2] })
  })

  test('a nested object is one value: what belongs together is not mixed', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => void ((session.nested as { x: number }).x = 2),
      (session) => void ((session.nested as { y: number }).y = 2)
    )
    expect(await held(visitor)).toMatchObject({ nested: { x: 2, y: 1 } })
  })

  test('so is an array', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => (session.list as string[]).push('slow'),
      (session) => (session.list as string[]).push('fast')
    )
    expect(await held(visitor)).toMatchObject({ list: [1, 'slow'] })
  })

  test('the option merge may mix what the rule does not', async () => {
    const { visitor } = await begin(store(), DATA, {
      merge: (_base, mine, theirs) => ({
        ...theirs,
        ...mine,
        list: [...new Set([...(theirs.list as unknown[]), ...(mine.list as unknown[])])]
      })
    })
    await changes(
      visitor,
      (session) => (session.list as string[]).push('slow'),
      (session) => (session.list as string[]).push('fast')
    )
    expect(await held(visitor)).toMatchObject({ list: [1, 'fast', 'slow'] })
  })

  test('both change the same key: the later commit wins', async () => {
    const { visitor } = await begin(store(), DATA)
    await changes(
      visitor,
      (session) => void (session.a = 'slow'),
      (session) => void (session.a = 'fast')
    )
    expect(await held(visitor)).toEqual({ ...DATA, a: 'slow' })
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
