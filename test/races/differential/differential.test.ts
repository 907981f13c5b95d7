import '../../express-session/support/quiet'
import session from 'express-session'
import { atEnd } from '../../support/serve'
import { anomalies, KINDS } from './anomalies'
import { type Backend, OWN, SHARED } from './backends'
import { BROKEN, BROKEN_DROP_INS, brokenStore } from './broken'
import { anyWrong, compare, type Counts, playOurs, worse } from './compare'
import { atOnce, type Latency, pairs, type Schedule, schedules } from './schedule'
import { Stage } from './stage'
import { isLong } from '../../support/long'

/**
 * How many schedules there are for each store, a third of them for each latency, and where they begin. The same seed
 * gives the same ones: the short form has always these.
 */
const { DIFFERENTIAL_RUNS = isLong ? 1500 : 15, DIFFERENTIAL_SEED } = process.env
const seed = Number(DIFFERENTIAL_SEED ?? (isLong ? Date.now() % 2 ** 31 : 1))
const LATENCIES: Latency[] = [
  [0, 0],
  [0, 30],
  [50, 80]
]
const plans: Schedule[] = LATENCIES.flatMap((latency, i) =>
  schedules(seed + i, Math.ceil(Number(DIFFERENTIAL_RUNS) / LATENCIES.length), latency)
)
const MINUTES = 60_000 * (isLong ? 30 : 2)

const rows: string[][] = []
let stage: Stage
beforeAll(async () => {
  stage = await Stage.open()
})
afterAll(() => {
  if (process.env.DIFFERENTIAL_TABLE) process.stdout.write(table())
})

describe('the judge finds', () => {
  test.each(Object.entries(BROKEN))('%s', async (_name, broken) => {
    const subject = { session, store: brokenStore(broken) }
    const found = anomalies(await stage.play(subject, broken.schedule, broken))
    expect(new Set(found.map(({ kind }) => kind))).toEqual(new Set([broken.finds]))
  })
})

describe('the schedules find, in the drop-in,', () => {
  test.each(Object.entries(BROKEN_DROP_INS))('%s', async (_name, { finds, breakIt, schedules }) => {
    const backend = await SHARED.MemoryStore!()
    const broken = atEnd(breakIt(), (it) => it.mockRestore())
    expect((await playOurs(stage, backend, schedules)).ours[finds]).toBeGreaterThan(0)
    broken.mockRestore()
    expect((await playOurs(stage, backend, schedules)).ours[finds]).toBe(0)
  })
})

describe.each(Object.entries(SHARED))('over %s', (name, open) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await open()
  })

  test(
    'nothing goes wrong more often than with express-session',
    async () => {
      const compared = await compare(stage, backend, plans)
      note(name, compared.ours, compared.theirs)
      expect({ ...worse(compared), examples: compared.examples }).toEqual({ examples: compared.examples })
      // Else there was nothing to compare.
      expect(compared.theirs['undone logout'] + compared.theirs['lost acknowledged write']).toBeGreaterThan(0)
    },
    MINUTES
  )

  test(
    'what comes together with the end of its session undoes it no more often',
    async () => {
      const together = Array.from({ length: isLong ? 20 : 1 }, pairs).flat()
      const compared = await compare(stage, backend, together)
      note(`${name}, pairs`, compared.ours, compared.theirs)
      expect(worse(compared)).toEqual({})
    },
    MINUTES
  )

  test('no acknowledged write of twenty at once is lost, though they take longer than a store may', async () => {
    const crowd = Array.from({ length: 3 }, () => atOnce(Array<'write a key'>(20).fill('write a key'), 60))
    const compared = await compare(stage, backend, crowd, { timeout: 1000, crowded: true })
    note(`${name}, 20 at once`, compared.ours, compared.theirs)
    expect([compared.ours['lost acknowledged write'], worse(compared)]).toEqual([0, {}])
  })
})

describe.each(Object.entries(OWN))('over %s', (name, open) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await open()
  })

  test(
    'nothing goes wrong',
    async () => {
      const { ours, examples } = await playOurs(stage, backend, plans)
      note(name, ours)
      expect([anyWrong(ours), ...examples]).toEqual([{}])
    },
    MINUTES
  )
})

function note(name: string, ours: Counts, theirs?: Counts): void {
  const cells = KINDS.map((kind) => `${theirs?.[kind] ?? '–'} / ${ours[kind]}`)
  rows.push([name, String(ours.schedules), ...cells])
}

/** Of each kind first how many there were with express-session, then with the drop-in. */
function table(): string {
  const lines = [['store', 'schedules', ...KINDS], ...rows]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const text = lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`)
  text.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  return `\nexpress-session / holdfast, seed ${seed}\n\n${text.join('\n')}\n\n`
}
