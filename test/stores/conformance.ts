import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../lib/stores/store'

/** One sentence of the contract, as a test for any runner: `for (const { name, run } of storeTests(make)) test(name, run)`. */
export interface StoreTest {
  readonly name: string
  /** Resolves where the store keeps the sentence, and where it declares that it cannot; rejects with an AssertionError. */
  run(): Promise<void>
}

const MINUTE = 60_000
/** A life that ends within the test, in milliseconds. */
const SHORT = 150
/** How much earlier a store's clock may see the end of a life, in milliseconds. */
const SKEW = 25
/** How long a store may take to notice on a slow and busy machine, in milliseconds. */
const PATIENCE = 20_000

/**
 * Tests for every sentence of the contract of stores. They use ids of their own, so `make` may give the same store each
 * time, and it need not be empty. What a store does not claim (`conditional: false`) is not asked of it.
 */
export function storeTests(make: () => Store | Promise<Store>): StoreTest[] {
  const tests: StoreTest[] = []
  const always = (name: string, check: (store: Store) => Promise<void>): void => {
    tests.push({ name, run: async () => check(await make()) })
  }
  const conditional = (name: string, check: (store: Store) => Promise<void>): void =>
    always(name, async (store) => {
      if (store.conditional !== false) await check(store)
    })

  always('says which contract it keeps', async (store) => {
    assert.equal(store.contract, 1)
  })

  always('answers null where nothing was ever saved', async (store) => {
    assert.equal(await store.get(newId()), null)
    assert.equal(await store.get(newId(), MINUTE), null)
  })

  always('keeps a text under the id that set answers with', async (store) => {
    const id = await keep(store, newId(), 'a text')
    assert.equal(await store.get(id), 'a text')
    assert.equal(await store.get(id, MINUTE), 'a text')
  })

  for (const [what, text] of Object.entries(TEXTS)) {
    always(`keeps a text exactly: ${what}`, async (store) => {
      const id = await keep(store, newId(), text)
      assert.ok((await store.get(id)) === text, 'another text came back')
      assert.ok((await store.get(id, MINUTE)) === text, 'another text came back with a new life')
      if (store.conditional === false) return
      assert.deepEqual(await store.set(id, 'next', MINUTE, text), { id }, 'it is not equal to itself')
    })
  }

  conditional(
    'keeps half a surrogate pair, or U+FFFD for it, and answers with what it compares',
    async (store) => {
      const id = await keep(store, newId(), 'half \ud83d')
      const kept = await store.get(id)
      assert.ok(kept === 'half \ud83d' || kept === 'half \ufffd')
      assert.deepEqual(await store.set(id, 'next', MINUTE, kept), { id })
    }
  )

  for (const id of ['a', 'x'.repeat(128), '__proto__', 'constructor', 'toString', '-_', '0']) {
    conditional(`takes any id: ${id.slice(0, 12)}${id.length > 12 ? '…' : ''}`, async (store) => {
      await store.destroy(id)
      assert.equal(await store.get(id), null)
      assert.equal(await store.touch(id, MINUTE), false)
      assert.deepEqual(await store.set(id, 'kept', MINUTE, null), { id })
      assert.equal(await store.get(id), 'kept')
      assert.equal(await store.destroy(id), true)
    })
  }

  conditional('keeps ids apart', async (store) => {
    const id = newId()
    await keep(store, id, 'one')
    await keep(store, `${id}-`, 'two')
    assert.equal(await store.destroy(`${id}-`), true)
    assert.equal(await store.get(id), 'one')
    assert.equal(await store.get(id.toLowerCase() === id ? id.toUpperCase() : id.toLowerCase()), null)
  })

  conditional('set, nothing expected and nothing there: keeps', async (store) => {
    const id = newId()
    assert.deepEqual(await store.set(id, 'new', MINUTE, null), { id })
    assert.equal(await store.get(id), 'new')
  })

  conditional('set, nothing expected and something there: conflict with what is there', async (store) => {
    const id = await keep(store, newId(), 'theirs')
    assert.deepEqual(await store.set(id, 'mine', MINUTE, null), { conflict: 'theirs' })
    assert.equal(await store.get(id), 'theirs')
  })

  conditional(
    'set, a text expected and nothing there: conflict with null, and nothing is made',
    async (store) => {
      const id = newId()
      assert.deepEqual(await store.set(id, 'mine', MINUTE, 'theirs'), { conflict: null })
      assert.deepEqual(await store.set(id, 'mine', MINUTE, ''), { conflict: null })
      assert.equal(await store.get(id), null)
    }
  )

  conditional('set, a text expected and there: keeps', async (store) => {
    const id = await keep(store, newId(), 'old')
    assert.deepEqual(await store.set(id, 'new', MINUTE, 'old'), { id })
    assert.equal(await store.get(id), 'new')
  })

  conditional('set, a text expected and another there: conflict with what is there', async (store) => {
    const id = await keep(store, newId(), 'theirs')
    for (const other of ['their', 'theirs ', 'Theirs', 'theirs\0', '', 'null']) {
      assert.deepEqual(await store.set(id, 'mine', MINUTE, other), { conflict: 'theirs' })
    }
    assert.equal(await store.get(id), 'theirs')
  })

  conditional('compares exactly: neither numbers nor composed letters are taken for equal', async (store) => {
    for (const [kept, other] of [
      ['1', '1.0'],
      ['1', '01'],
      ['\u00e9', 'e\u0301'],
      ['{"a":1}', '{"a": 1}'],
      ['OK', 'ok']
    ] as const) {
      const id = await keep(store, newId(), kept)
      assert.deepEqual(await store.set(id, 'mine', MINUTE, other), { conflict: kept })
    }
  })

  conditional('a conflict leaves the life as it is', async (store) => {
    const began = performance.now()
    const id = await keep(store, newId(), 'theirs', SHORT)
    // On a machine that was busy for so long there is nothing left to be in conflict with.
    const { conflict } = (await store.set(id, 'mine', MINUTE, 'other')) as { conflict: string | null }
    assert.ok(conflict === 'theirs' || performance.now() - began >= SHORT - SKEW)
    await gone(store, id, began + SHORT)
  })

  conditional('of two sets with the same expectation exactly one keeps its text', async (store) => {
    for (const expected of [null, 'first']) {
      const id = newId()
      if (expected !== null) await keep(store, id, expected)
      const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`)
      const results = await Promise.all(texts.map((text) => store.set(id, text, MINUTE, expected)))
      const winners = texts.filter((_, i) => 'id' in results[i]!)
      assert.equal(winners.length, 1)
      assert.equal(await store.get(id), winners[0])
      for (const result of results) if ('conflict' in result) assert.equal(result.conflict, winners[0])
    }
  })

  conditional('of 100 increments at once, each tried again on conflict, none is lost', async (store) => {
    const id = await keep(store, newId(), '0')
    const increment = async (): Promise<void> => {
      let kept = await store.get(id, MINUTE)
      for (;;) {
        const result = await store.set(id, String(Number(kept) + 1), MINUTE, kept)
        if ('id' in result) return
        kept = result.conflict
      }
    }
    await Promise.all(Array.from({ length: 100 }, increment))
    assert.equal(await store.get(id), '100')
  })

  always('forgets a text when its life is over, and not before', async (store) => {
    const began = performance.now()
    const id = await keep(store, newId(), 'short', SHORT)
    await gone(store, id, began + SHORT)
    assert.equal(await store.get(id, MINUTE), null)
    assert.equal(await store.get(id), null, 'reading brought it back')
  })

  conditional('get with a ttl renews the life, get without leaves it', async (store) => {
    const renewed = await outlives(store, (id) => store.get(id, MINUTE))
    assert.equal(renewed, 'text')
  })

  conditional('get with a ttl can shorten the life', async (store) => {
    const id = await keep(store, newId(), 'long')
    const began = performance.now()
    assert.equal(await store.get(id, SHORT), 'long')
    await gone(store, id, began + SHORT)
  })

  conditional('touch renews the life', async (store) => {
    assert.equal(await outlives(store, (id) => store.touch(id, MINUTE)), true)
  })

  conditional('set gives the new text a life of its own', async (store) => {
    const id = await keep(store, newId(), 'long')
    const began = performance.now()
    await keep(store, id, 'short', SHORT, 'long')
    await gone(store, id, began + SHORT)
    assert.ok(await outlives(store, (other) => store.set(other, 'text', MINUTE, 'text')))
  })

  conditional('what has expired is nothing', async (store) => {
    const id = await keep(store, newId(), 'old', SHORT)
    await gone(store, id)
    assert.equal(await store.touch(id, MINUTE), false)
    assert.equal(await store.destroy(id), false)
    assert.deepEqual(await store.set(id, 'mine', MINUTE, 'old'), { conflict: null })
    assert.equal(await store.get(id), null, 'something brought it back')
    assert.deepEqual(await store.set(id, 'new', MINUTE, null), { id })
    assert.equal(await store.get(id), 'new')
  })

  conditional('destroy removes, and says whether something was there', async (store) => {
    const id = await keep(store, newId(), 'kept')
    assert.equal(await store.destroy(id), true)
    assert.equal(await store.destroy(id), false)
    assert.equal(await store.destroy(newId()), false)
    assert.equal(await store.get(id), null)
  })

  conditional('what was destroyed is nothing', async (store) => {
    const id = await keep(store, newId(), 'old')
    await store.destroy(id)
    assert.equal(await store.touch(id, MINUTE), false)
    assert.equal(await store.get(id, MINUTE), null)
    assert.deepEqual(await store.set(id, 'mine', MINUTE, 'old'), { conflict: null })
    assert.equal(await store.get(id), null, 'something brought it back')
  })

  always('touch says false where nothing is kept, and makes nothing', async (store) => {
    const id = newId()
    assert.equal(await store.touch(id, MINUTE), false)
    assert.equal(await store.get(id), null)
  })

  conditional('a ttl that is not whole is rounded up', async (store) => {
    const id = newId()
    assert.deepEqual(await store.set(id, 'blink', 0.25, null), { id })
    await gone(store, id)
    assert.deepEqual(await store.set(id, 'kept', MINUTE + 0.5, null), { id })
    assert.equal(await store.touch(id, MINUTE + 0.5), true)
    assert.equal(await store.get(id, MINUTE + 0.5), 'kept')
  })

  conditional('a ttl that is no life at all is an error, and nothing changes', async (store) => {
    const id = await keep(store, newId(), 'kept')
    const fresh = newId()
    for (const ttl of [0, -1, NaN, Infinity, -Infinity]) {
      await assert.rejects(() => store.get(id, ttl))
      await assert.rejects(() => store.touch(id, ttl))
      await assert.rejects(() => store.set(id, 'other', ttl, 'kept'))
      await assert.rejects(() => store.set(fresh, 'other', ttl, null))
    }
    assert.equal(await store.get(id), 'kept')
    assert.equal(await store.get(fresh), null)
  })

  return tests
}

const TEXTS: Record<string, string> = {
  empty: '',
  blank: ' ',
  'a record': '{"count":3,"userinfo":"test","@":{"v":1,"revs":["k3Jd0aQx"]}}',
  'looks like a reply': '+OK\r\n$-1\r\n',
  'looks like null': 'null',
  'a number': '1',
  latin: 'Grüße, ça va — ÿ',
  chinese: '您第一次登录系统，欢迎',
  emoji: '👩‍👩‍👧‍👦 🏳️‍🌈 𝒳',
  combining: 'e\u0301 \u0915\u094d\u0937',
  'control characters': '\0\x01\x1f\x7f\r\n\t\b',
  'NUL in the middle': 'before\0after',
  'a byte order mark': '\ufeffafter',
  'odd code points': '\ufffd\ufffe\uffff\u2028\u2029\u200b',
  'more than 1 MiB': 'Größe 尺寸 🙂 '.repeat(80_000)
}

const newId = (): string => randomBytes(32).toString('base64url')

async function keep(
  store: Store,
  id: string,
  text: string,
  ttl = MINUTE,
  expected: string | null = null
): Promise<string> {
  const result = await store.set(id, text, ttl, expected)
  assert.ok('id' in result, 'set found a conflict where there is none')
  return result.id
}

/** Waits until nothing is kept under the id any more, by reading it again and again, and checks that it was time. */
async function gone(store: Store, id: string, notBefore = 0): Promise<void> {
  const end = performance.now() + PATIENCE
  while ((await store.get(id)) !== null) {
    assert.ok(performance.now() < end, 'it did not expire')
    await sleep(5)
  }
  assert.ok(performance.now() >= notBefore - SKEW, 'it expired too early')
}

/** Two texts with the same short life: waits until the second has gone, when the first, renewed, must be there. */
async function outlives<T>(store: Store, renew: (id: string) => Promise<T>): Promise<T> {
  for (let life = SHORT; ; life *= 2) {
    const [renewed, left] = [newId(), newId()]
    const began = performance.now()
    await keep(store, renewed, 'text', life)
    const result = await renew(renewed)
    if (performance.now() - began > life - SKEW) {
      assert.ok(life < PATIENCE, 'the store is too slow to be tested')
      continue
    }
    await keep(store, left, 'text', life)
    await gone(store, left)
    assert.equal(await store.get(renewed), 'text', 'the life was not renewed')
    return result
  }
}
