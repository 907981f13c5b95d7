import fc from 'fast-check'
import {
  checkLimits,
  CorruptRecord,
  createHandle,
  createRevision,
  decodeRecord,
  encodeData,
  encodeRecord,
  nextRevisions,
  parseData,
  RESERVED,
  type Frame
} from '../../lib/repository/record'
import { anyText } from '../support/text'

const limits = { bytes: 2 ** 20, depth: 100 }
const handle = createHandle()
const frame: Frame = { handle, revs: ['k3Jd0aQx'], cookie: undefined, sent: undefined }
const meta = (more: object = {}) => JSON.stringify({ a: 1, '@': { v: 1, handle, revs: [], ...more } })

describe('the text of a record', () => {
  it('is JSON with the data first, the cookie where it differs, and what is ours last', () => {
    expect(encodeRecord('{"count":3,"userinfo":"test"}', frame)).toBe(
      `{"count":3,"userinfo":"test","@":{"v":1,"handle":"${handle}","revs":["k3Jd0aQx"]}}`
    )
    expect(encodeRecord('{"a":1}', { ...frame, cookie: { originalMaxAge: 5 }, sent: 7 })).toBe(
      `{"a":1,"cookie":{"originalMaxAge":5},"@":{"v":1,"handle":"${handle}","sent":7,"revs":["k3Jd0aQx"]}}`
    )
  })

  it('is JSON without data, too', () => {
    expect(encodeRecord('{}', frame)).toBe(`{"@":{"v":1,"handle":"${handle}","revs":["k3Jd0aQx"]}}`)
    expect(JSON.parse(encodeRecord('{}', { ...frame, moved: true }))).toMatchObject({ '@': { moved: true } })
  })

  it('comes back as it went in', () => {
    const key = anyText().filter((name) => !RESERVED.has(name) && name !== 'cookie')
    fc.assert(
      fc.property(
        fc.dictionary(key, fc.jsonValue(), { noNullPrototype: true }),
        fc.boolean(),
        (data, moved) => {
          const dataText = encodeData(data)
          const whole = { ...frame, cookie: { path: '/x' }, sent: 12, moved }
          const text = encodeRecord(dataText, whole)
          expect(decodeRecord(text, { bytes: 1e9, depth: 1e9 })).toEqual({
            data: JSON.parse(dataText) as unknown,
            ...whole
          })
          expect(encodeData(parseData(text))).toBe(dataText)
        }
      )
    )
  })
})

describe('decodeRecord', () => {
  it('reads what another library wrote: data and cookie, and nothing of ours', () => {
    expect(decodeRecord('{"cookie":{"path":"/"},"user":"test"}', limits)).toEqual({
      data: { user: 'test' },
      cookie: { path: '/' },
      handle: undefined,
      sent: undefined,
      revs: [],
      moved: false
    })
  })

  it('gives each caller data of its own', () => {
    const text = '{"a":{"b":1}}'
    expect(parseData(text)).toEqual({ a: { b: 1 } })
    expect(parseData(text).a).not.toBe(parseData(text).a)
  })

  it.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['half of a text', '{"a":1'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a string', '"text"'],
    ['a number', '1'],
    ['@ is no object', '{"@":1}'],
    ['@ is null', '{"@":null}'],
    ['an unknown version', meta({ v: 2 })],
    ['no version', meta({ v: undefined })],
    ['no handle', meta({ handle: undefined })],
    ['a handle that is none', meta({ handle: 'x' })],
    ['a UUIDv4 for a handle', meta({ handle: '0e3b9f3e-5c0a-4d5e-9d8e-8f0a9b2c3d4e' })],
    ['no revisions', meta({ revs: undefined })],
    ['revisions that are no texts', meta({ revs: [1] })],
    ['a time that is no number', meta({ sent: 'now' })],
    ['more than limits.bytes', `{"a":"${'x'.repeat(2 ** 20)}"}`],
    ['deeper than limits.depth', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
    ['a million brackets', '['.repeat(1_000_000)]
  ])('refuses %s, without quoting it', (_what, text) => {
    let refusal: unknown
    try {
      decodeRecord(text, limits)
    } catch (error) {
      refusal = error
    }
    expect(refusal).toBeInstanceOf(CorruptRecord)
    expect((refusal as Error).message).not.toContain(handle)
  })

  it('counts in bytes, not in characters', () => {
    const text = JSON.stringify({ a: '汉'.repeat(40) })
    expect(() => decodeRecord(text, { bytes: 127, depth: 5 })).toThrow(CorruptRecord)
    expect(decodeRecord(text, { bytes: 128, depth: 5 }).data).toEqual({ a: '汉'.repeat(40) })
  })

  it('counts brackets in depth, and none of those in strings', () => {
    const text = JSON.stringify({ a: '[{"\\', 'b"]': ['[[[[', { '{': '\\"{{{' }] })
    expect(decodeRecord(text, { bytes: 1000, depth: 3 }).data).toEqual(JSON.parse(text))
    expect(() => decodeRecord(text, { bytes: 1000, depth: 2 })).toThrow(CorruptRecord)
  })

  it('counts siblings once', () => {
    const text = '{"a":[],"b":[],"c":[[],[],{}]}'
    expect(decodeRecord(text, { bytes: 1000, depth: 3 }).data).toHaveProperty('c')
  })
})

/** Since Node 26, JSON.stringify needs no stack for what is nested; the limit of depth refuses it there. */
function whereStackEnds(data: Record<string, unknown>): [string, Record<string, unknown>][] {
  try {
    JSON.stringify(data)
    return []
  } catch {
    return [['what is deeper than the stack', data]]
  }
}

describe('encodeData', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['nothing', {}, '{}'],
    ['what JSON leaves out', { a: undefined, b: () => 1, c: Symbol('c') }, '{}'],
    ['what JSON makes null', { a: NaN, b: -Infinity, c: [undefined] }, '{"a":null,"b":null,"c":[null]}'],
    [
      'numbers',
      { a: -0, b: 1e21, c: 0.1 + 0.2, 2: 2, 1: 1 },
      '{"1":1,"2":2,"a":0,"b":1e+21,"c":0.30000000000000004}'
    ],
    ['a date', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ['Chinese, emoji, half a pair', { 名: '测试😀', x: '\ud83d' }, '{"名":"测试😀","x":"\\ud83d"}'],
    ['its own serialisation', { a: { toJSON: () => [1] } }, '{"a":[1]}']
  ])('writes %s', (_what, data, text) => {
    expect(encodeData(data)).toBe(text)
  })

  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  let deep: unknown = 1
  for (let i = 0; i < 100_000; i++) deep = [deep]

  it.each<[string, Record<string, unknown>]>([
    ['a BigInt', { n: 1n }],
    ['a cycle', cycle],
    ...whereStackEnds({ deep }),
    [
      'a value whose toJSON throws',
      {
        a: {
          toJSON() {
            throw new Error('no')
          }
        }
      }
    ],
    ['a toJSON that makes it something else', { toJSON: () => 'text' }],
    ['a toJSON that makes it nothing', { toJSON: () => undefined }],
    ['a toJSON that makes it an array', { toJSON: () => [] }]
  ])('refuses %s', (_what, data) => {
    expect(() => encodeData(data)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_DATA', status: 500 }) as Error
    )
  })
})

describe('checkLimits', () => {
  it('takes what is just within them', () => {
    expect(() => checkLimits('{"a":[[]]}', { bytes: 10, depth: 3 })).not.toThrow()
  })

  it.each([
    [{ bytes: 9, depth: 3 }, /larger than 9 bytes.*limits\.bytes/],
    [{ bytes: 10, depth: 2 }, /deeper than 2 levels.*limits\.depth/]
  ])('refuses what is beyond %j, and names the option', (narrow, message) => {
    expect(() => checkLimits('{"a":[[]]}', narrow)).toThrow(message)
    expect(() => checkLimits('{"a":[[]]}', narrow)).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_DATA' }) as Error
    )
  })
})

describe('revisions', () => {
  it('are fresh each time, and short', () => {
    const many = new Set(Array.from({ length: 10_000 }, createRevision))
    expect(many.size).toBe(10_000)
    for (const rev of many) expect(rev).toMatch(/^[\w-]{8}$/)
  })

  it('are remembered oldest first, the last eight of them', () => {
    let revs: readonly string[] | undefined
    for (let i = 1; i <= 10; i++) revs = nextRevisions(String(i), revs)
    expect(revs).toEqual(['3', '4', '5', '6', '7', '8', '9', '10'])
  })
})
