import assert from 'node:assert/strict'
import { always, conditional, lasting, type Sentence } from './sentence'
import { assertKept, keep, MINUTE, newId } from './tools'

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
  'odd code points': '\ufffd\ufffe\uffff\u2028\u2029\u200b'
}
const LARGE = { 'more than 1 MiB': 'Größe 尺寸 🙂 '.repeat(80_000) }

const keeps = (what: string, text: string): [name: string, check: Sentence['check']] => [
  `keeps a text exactly: ${what}`,
  async (store) => {
    const id = await keep(store, newId(), text)
    assert.ok((await store.get(id)) === text, 'another text came back')
    assert.ok((await store.get(id, MINUTE)) === text, 'another text came back with a new life')
  }
]

/** Texts come out as they went in, character for character. */
export const texts = [
  ...Object.entries(TEXTS).map(([what, text]) => always(...keeps(what, text))),
  // Ids that carry the text go into a cookie, which is never so large.
  ...Object.entries(LARGE).map(([what, text]) => lasting(...keeps(what, text))),

  ...Object.entries({ ...TEXTS, ...LARGE }).map(([what, text]) =>
    conditional(`finds a text equal to itself: ${what}`, async (store) => {
      const id = await keep(store, newId(), text)
      assertKept(await store.set(id, 'next', MINUTE, text), id)
    })
  ),

  lasting('keeps half a surrogate pair, or U+FFFD for it', async (store) => {
    const id = await keep(store, newId(), 'half \ud83d')
    const kept = await store.get(id)
    assert.ok(kept === 'half \ud83d' || kept === 'half \ufffd', 'another text came back')
    assertKept(await store.set(id, 'next', MINUTE, kept), id)
  }),

  conditional('compares exactly: neither numbers nor composed letters are taken for equal', async (store) => {
    for (const [kept, other] of [
      ['1', '1.0'],
      ['1', '01'],
      ['\u00e9', 'e\u0301'],
      ['{"a":1}', '{"a": 1}'],
      ['OK', 'ok']
    ] as const) {
      const id = await keep(store, newId(), kept)
      const result = await store.set(id, 'mine', MINUTE, other)
      assert.ok('conflict' in result && result.conflict === kept, `${other} was taken for ${kept}`)
    }
  })
]
