import { listen } from '../support/events'
import { both, Site } from './support/both'

const lossy: [string, unknown][] = [
  ['Map', new Map([[1, 2]])],
  ['Set', new Set([1])],
  ['function', () => 1],
  ['symbol', Symbol('s')],
  ['NaN', NaN],
  ['RegExp', /a/],
  ['Error', new Error('e')],
  ['Promise', Promise.resolve(1)],
  // In a list, where JSON makes null of it.
  ['undefined', undefined]
]
const harmless = [new Date(), Buffer.from('b'), null, -0, 'Map', [{ deep: true }], { toJSON: () => 1 }]

async function visit(session: (typeof both)[number][1], value: unknown) {
  const warn = jest.spyOn(process, 'emitWarning').mockReturnValue()
  const { 'holdfast:lossy': heard } = listen()
  const site = await Site.of(session, {}, (req, res) => {
    if (req.url === '/') req.session.kept = { deep: [value], plain: 1 }
    res.end(JSON.stringify(req.session.kept))
  })
  const { status } = await site.get('/')
  const { text } = await site.get('/look')
  const warnings = warn.mock.calls.filter(([, how]) => (how as { code?: string }).code === 'HOLDFAST_LOSSY')
  warn.mockRestore()
  return { status, text, heard, warnings: warnings.map(([message]) => message) }
}

test.each(lossy)('a %s in a session is stored as by express-session, and reported', async (type, value) => {
  const theirs = await visit(both[0]![1], value)
  const ours = await visit(both.at(-1)![1], value)
  expect([ours.status, ours.text]).toEqual([200, theirs.text])
  expect(ours.heard).toEqual([{ key: 'kept', type }])
  expect(ours.warnings).toEqual([expect.stringContaining(`req.session.kept.deep[0] holds a ${type}`)])
})

test.each(harmless)('%p in a session is not reported', async (value) => {
  const { heard, warnings } = await visit(both.at(-1)![1], value)
  expect([heard, warnings]).toEqual([[], []])
})
