import { median, middleHalf } from './statistics.mjs'
import { subjectWith } from './subjects.mjs'

/** The most that Holdfast may cost on Express, as a share of express-session with connect-redis, and its commands. */
const SHARES = [
  { name: 'no cookie', 'node-redis': 0.15, ioredis: 0.15, commands: 0 },
  { name: 'forged cookie', 'node-redis': 0.25, ioredis: 0.25, commands: 0 },
  { name: 'verified, untouched', 'node-redis': 0.1, ioredis: 0.1, commands: 0, loads: ['lazy'] },
  { name: 'read', 'node-redis': 0.35, ioredis: 0.5, commands: 1 },
  { name: 'change', 'node-redis': 0.45, ioredis: 0.6, commands: 2 },
  { name: 'login', 'node-redis': 0.6, ioredis: 0.7 },
  { name: 'read of 100 KiB', 'node-redis': 0.45, ioredis: 0.45, commands: 1 },
  { name: 'change of one session', 'node-redis': 1, ioredis: 1, lost: 0 }
]
const SAME_WORK = ['read', 'change', 'login', 'read of 100 KiB']
const COUNTS = [
  { name: 'read', promises: 10, bytes: 18_000 },
  { name: 'change', promises: 18, bytes: 27_000 }
]
const CLIENTS = ['node-redis', 'ioredis']
const LOADS = ['eager', 'lazy']

const reference = subjectWith({ library: 'express-session', store: 'node-redis' })
const ours = (store, load, framework = 'express') =>
  subjectWith({ framework, library: 'holdfast', store, load })

/**
 * Goal by goal on one Node: `{ goal, limit, reached, met }`. Whether one is met is `'unclear'` if the threshold falls
 * inside the interquartile range of the rounds.
 *
 * @param run - `results` of measure.mjs, `counts` of counts.mjs, `memory` of memory.mjs, and the `version` of Node
 */
export function goals({ version, results, counts, memory }) {
  const find = (name, subject) =>
    results.find((result) => result.testCase.name === name && result.subject === subject)
  return [
    ...throughput(find),
    ...shares(find),
    ...lazyAndEager(find),
    ...nodeHttp(results, find),
    ...counted(counts, version),
    ...memoryGoals(memory, find)
  ]
}

function throughput(find) {
  return ['read', 'change'].flatMap((name) =>
    combinations().map(({ store, load }) => {
      const ratios = byRound(find(name, ours(store, load)).rates, find(name, reference).rates, divided)
      return {
        goal: `${name}, ${load}, ${store}: requests per second`,
        limit: 'at least 1.5 of express-session',
        reached: median(ratios).toFixed(2),
        met: verdict(
          ratios.map((ratio) => -ratio),
          -1.5
        )
      }
    })
  )
}

function shares(find) {
  return SHARES.flatMap(({ name, commands, lost, loads, ...share }) =>
    combinations(loads).map(({ store, load }) => {
      const mine = find(name, ours(store, load))
      const ratios = byRound(mine.costs, find(name, reference).costs, divided)
      const tooMuch =
        round(mine.commands) > (commands ?? Infinity) || (mine.lost ?? 0) + mine.failed > (lost ?? Infinity)
      const also = (text, value) => (value === undefined ? '' : `; ${text}: ${round(value)}`)
      return {
        goal: `${name}, ${load}, ${store}`,
        limit: `${share[store]} of express-session${also('commands', commands)}${also('lost', lost)}`,
        reached:
          median(ratios).toFixed(2) +
          also('commands', commands === undefined ? undefined : mine.commands) +
          also('lost', mine.lost),
        met: tooMuch ? 'not met' : verdict(ratios, share[store])
      }
    })
  )
}

function lazyAndEager(find) {
  return SAME_WORK.flatMap((name) =>
    CLIENTS.map((store) => {
      const [eager, lazy] = LOADS.map((load) => find(name, ours(store, load)))
      return noDearer(`${name}, ${store}: lazy`, lazy, eager, 'eager')
    })
  )
}

function nodeHttp(results, find) {
  return results
    .filter(({ subject }) => subject.library === 'koa-session')
    .flatMap((koa) =>
      LOADS.map((load) => {
        const { name } = koa.testCase
        const { store } = koa.subject
        return noDearer(
          `${name}, ${load}, ${store}, node:http`,
          find(name, ours(store, load, 'http')),
          koa,
          'koa-session'
        )
      })
    )
}

function noDearer(goal, one, other, title) {
  return {
    goal,
    limit: `as ${title}`,
    reached: `${one.cost.toFixed(1)} µs, ${title} ${other.cost.toFixed(1)}`,
    met: verdict(
      byRound(one.costs, other.costs, (a, b) => a - b),
      0
    )
  }
}

function counted(counts, version) {
  const find = (name, library, load) =>
    counts.find(
      ({ testCase, subject }) =>
        testCase.name === name && subject.library === library && subject.load === load
    )
  const most = (goal, limit, reached, unit = '') => ({
    ...{ goal, limit: `${limit}${unit}`, reached: `${round(reached)}${unit}` },
    met: round(reached) <= limit ? 'met' : 'not met'
  })
  return COUNTS.flatMap(({ name, promises, bytes }) =>
    LOADS.flatMap((load) => {
      const mine = find(name, 'holdfast', load)
      const timers = mine.timers - find(name, 'least').timers
      return [
        most(`${name}, ${load}: promises`, promises, mine.promises),
        most(`${name}, ${load}: timers beside those of the client`, 1, Math.round(timers)),
        ...(version === '24'
          ? [most(`${name}, ${load}: allocated`, bytes / 1000, mine.bytes / 1000, ' KB')]
          : [])
      ]
    })
  )
}

function memoryGoals(memory, find) {
  const read = find('read', ours('memory', 'eager'))
  const time = {
    goal: 'read, eager, MemoryStore',
    limit: '15 µs',
    reached: `${read.cost.toFixed(1)} µs`,
    met: verdict(read.costs, 15)
  }
  const room = memory
    .filter(({ store, sessions }) => store.includes('MemoryStore of Holdfast') && sessions > 1000)
    .flatMap(({ sessions, ratio, pause }) => [
      {
        goal: `MemoryStore, ${sessions.toLocaleString('en')} sessions`,
        limit: '1.3 times the bytes of the texts',
        reached: `${ratio.toFixed(2)} times`,
        met: verdict([ratio], 1.3)
      },
      {
        goal: `MemoryStore, ${sessions.toLocaleString('en')} sessions expire`,
        limit: 'no pause above 10 ms',
        reached: `${pause.toFixed(1)} ms`,
        met: verdict([pause], 10)
      }
    ])
  return [time, ...room]
}

function combinations(loads = LOADS) {
  return CLIENTS.flatMap((store) => loads.map((load) => ({ store, load })))
}

function byRound(some, others, combine) {
  return some.map((value, i) => combine(value, others[i]))
}

/** A round in which the other one cost nothing says nothing for us. */
function divided(one, other) {
  return other > 0 ? one / other : Infinity
}

function verdict(values, limit) {
  const [low, high] = middleHalf(values)
  if (high <= limit) return 'met'
  return low > limit ? 'not met' : 'unclear'
}

const round = (value) => Math.round(value * 100) / 100
