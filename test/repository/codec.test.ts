import fc from 'fast-check'
import { fromStored, toStored, type Codec } from '../../lib/repository/codec'
import type { Data } from '../../lib/repository/merge'
import { CorruptRecord, decodeRecord, encodeData, encodeRecord } from '../../lib/repository/record'
import { codeOf } from '../support/outcome'
import { handle, limits } from '../support/repository'

/** Writes several lines, and reads nothing else. */
const pretty: Codec = {
  encode: (data) => JSON.stringify(data, undefined, 2),
  decode: (text) => JSON.parse(text) as Data
}
/** An object on each line. */
const lines: Codec = {
  encode: (data) =>
    Object.entries(data)
      .map(([key, value]) => JSON.stringify({ [key]: value }))
      .join('\n'),
  decode: (text) =>
    Object.assign({}, ...text.split('\n').map((line) => JSON.parse(line || '{}') as Data)) as Data
}
const frame = { handle, cookie: { path: '/app' }, sent: 1, user: 'U', since: 2, revs: ['k3Jd0aQx'] }
const data = fc
  .dictionary(fc.stringMatching(/^x[a-z@"{]{0,4}$/), fc.jsonValue({ maxDepth: 2 }))
  // JSON has no -0.
  .map((data) => JSON.parse(JSON.stringify(data)) as Data)

describe.each([
  ['no form', undefined],
  ['several lines', pretty],
  ['an object on each line', lines]
])('a record in an application’s own form: %s', (_what, codec) => {
  it('has the data and what is Holdfast’s, as they were', () => {
    fc.assert(
      fc.property(data, (data) => {
        const stored = toStored(codec, encodeData(data), frame)
        expect(decodeRecord(fromStored(codec, stored), limits)).toMatchObject({ data, ...frame })
      })
    )
  })
})

describe('a text that was stored without Holdfast', () => {
  it.each([
    [pretty, '{"a":1}', { a: 1 }],
    [pretty, '{"@":{"a":1}}', {}],
    [pretty, '\n{"a":1}', { a: 1 }],
    [pretty, '\n {"b":1,"@":{"a":1}}', { b: 1 }],
    [lines, '{"a":1}\n{"b":2}', { a: 1, b: 2 }]
  ])('is all the application’s: %#', (codec, stored, data) => {
    const text = fromStored(codec, stored)
    expect(JSON.parse(text)).toMatchObject(data)
    expect(text).toBe(encodeData(codec.decode(stored)))
  })

  it('is corrupt where the application cannot read it', () => {
    expect(() => fromStored(pretty, 'no JSON')).toThrow(CorruptRecord)
    expect(() => fromStored(pretty, `no JSON\n${encodeRecord('{}', frame)}`)).toThrow(CorruptRecord)
  })
})

describe('an application’s own form must', () => {
  const answering = (answer: unknown) => ({ encode: () => answer, decode: () => answer }) as never
  const code = (run: () => unknown) => codeOf(new Promise((resolve) => resolve(run())))

  it.each([undefined, null, 1, {}, Promise.resolve('text')])('not be %p', async (answer) => {
    expect(await code(() => toStored(answering(answer), '{}', frame))).toBe('ERR_SESSION_OPTIONS')
  })

  it.each([undefined, null, 1, 'text', [1], Promise.resolve({})])('not be read as %p', async (answer) => {
    expect(await code(() => fromStored(answering(answer), 'text'))).toBe('ERR_SESSION_OPTIONS')
  })
})
