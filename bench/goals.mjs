import { subjectsWith } from './subjects.mjs'

/** The most that Holdfast may cost on Express, as a share of express-session with connect-redis, and its commands. */
const SHARES = [
  { name: 'no cookie', share: 0.2, commands: 0 },
  { name: 'forged cookie', share: 0.3, commands: 0 },
  { name: 'verified, untouched', share: 0.12, commands: 0, loads: ['lazy'] },
  { name: 'read', share: 0.25, commands: 1 },
  { name: 'change', share: 0.35, commands: 2 },
  { name: 'read of 100 KiB', share: 0.45, commands: 1 }
]

const [reference] = subjectsWith({ library: 'express-session', store: 'connect-redis' })
const [koa] = subjectsWith({ library: 'koa-session' })
const ours = (framework, load) => subjectsWith({ framework, library: 'holdfast', store: 'ioredis', load })[0]

/**
 * Goal by goal: `{ goal, limit, reached, met }`. Whether one is met is `'unclear'` where its limit lies within what the
 * middle half of the rounds leaves open.
 */
export function goals(results, memory) {
  const find = (name, subject) =>
    results.find((result) => result.testCase.name === name && result.subject === subject)
  return [...shares(find), ...nodeHttp(results, find), ...memoryGoals(memory)]
}

function shares(find) {
  return SHARES.flatMap(({ name, share, commands, loads = ['eager', 'lazy'] }) =>
    loads.map((load) => {
      const mine = find(name, ours('express', load))
      const theirs = find(name, reference)
      return {
        goal: `${name}, ${load}, on Express`,
        limit: `${share} of express-session with connect-redis; commands: ${commands}`,
        reached: `${(mine.cost / theirs.cost).toFixed(2)}; ${round(mine.commands)}`,
        met: round(mine.commands) > commands ? 'no' : verdict(ratio(mine.spread, theirs.spread), share)
      }
    })
  )
}

function nodeHttp(results, find) {
  return results
    .filter(({ subject }) => subject === koa)
    .map(({ testCase: { name }, cost, spread: [low, high] }) => {
      const mine = ['eager', 'lazy'].map((load) => find(name, ours('http', load)))
      const most = (end) => Math.max(...mine.map(({ spread }) => spread[end]))
      return {
        goal: `${name}, on node:http`,
        limit: `${cost.toFixed(1)} µs, as koa-session on Koa`,
        reached: `${mine.map((one) => `${one.cost.toFixed(1)} µs ${one.subject.load}`).join(', ')}`,
        met: verdict([most(0) - high, most(1) - low], 0)
      }
    })
}

function memoryGoals(memory) {
  return memory
    .filter(({ store, sessions }) => store.includes('MemoryStore of Holdfast') && sessions > 1000)
    .flatMap(({ sessions, ratio, pause }) => [
      {
        goal: `MemoryStore, ${sessions.toLocaleString('en')} sessions`,
        limit: '1.3 times the bytes of the texts',
        reached: `${ratio.toFixed(2)} times`,
        met: verdict([ratio, ratio], 1.3)
      },
      {
        goal: `MemoryStore, ${sessions.toLocaleString('en')} sessions expire`,
        limit: 'no pause above 10 ms',
        reached: `${pause.toFixed(1)} ms`,
        met: verdict([pause, pause], 10)
      }
    ])
}

/** What lies between the least and the most that one is of the other. */
function ratio([low, high], [otherLow, otherHigh]) {
  return otherLow > 0 ? [low / otherHigh, high / otherLow] : [-Infinity, Infinity]
}

function verdict([low, high], limit) {
  if (high <= limit) return 'yes'
  return low > limit ? 'no' : 'unclear'
}

const round = (commands) => Math.round(commands * 100) / 100
