import { performance } from 'node:perf_hooks'
import { CASES, takesPart } from './cases.mjs'
import { Rig } from './rig.mjs'
import { middleHalf, median, quantile } from './statistics.mjs'
import { bareOf, earlier, SUBJECTS } from './subjects.mjs'

const FEWEST_ROUNDS = 7

/**
 * Measures the subjects in all cases. They take turns in every round, so that whatever else the machine does meets
 * all of them; what a subject costs is the difference to its bare server in the same round.
 *
 * @param plan - `seconds` that the rounds of a case take, `requests` of each subject in a round, `warmUp`: requests
 *   to each server before the first case; `quick` leaves out subjects and cases; `before`: the folder of another build
 * @param node - the Node that runs the servers
 * @returns a list of `{ testCase, subject, … }`, see {@link summary}
 */
export async function measure(redis, plan, node, progress) {
  const partOfPlan = ({ quick }) => quick || !plan.quick
  const cases = CASES.filter(partOfPlan)
  const subjects = [...SUBJECTS, ...(plan.before ? earlier(plan.before) : [])]
  const rigs = subjects.filter(partOfPlan).map((subject) => new Rig(subject, redis, { execPath: node }))
  try {
    progress('starting the servers, and warming them up')
    await Promise.all(rigs.map((rig) => rig.start()))
    for (const rig of rigs) await rig.warmUp(cases, plan)
    const results = []
    for (const testCase of cases) {
      progress(testCase.name)
      const taking = rigs.filter(({ subject }) => takesPart(subject, testCase))
      results.push(...(await resultsOf(taking, testCase, plan)))
    }
    return results
  } finally {
    await Promise.all(rigs.map((rig) => rig.stop()))
  }
}

async function resultsOf(rigs, testCase, { seconds, requests }) {
  const work = new Map()
  const rounds = []
  for (const rig of rigs) await rig.open(testCase)
  for (const rig of rigs) work.set(rig.subject, await rig.work(testCase, requests))
  const end = performance.now() + 1000 * seconds
  while (rounds.length < FEWEST_ROUNDS || performance.now() < end) {
    const samples = new Map()
    for (const rig of rigs) samples.set(rig.subject, await rig.run(testCase, requests))
    rounds.push(samples)
  }
  for (const rig of rigs) rig.close()
  return rigs.map(({ subject }) => summary(testCase, subject, rounds, work.get(subject)))
}

/** `costs` and `rates` hold a figure for each round: the subjects of a case are compared round by round. */
function summary(testCase, subject, rounds, work) {
  const samples = rounds.map((one) => one.get(subject))
  const bare = bareOf(subject)
  const costs = rounds.map((one) => one.get(subject).cpu - (subject === bare ? 0 : one.get(bare).cpu))
  const rates = samples.map(({ rate }) => rate)
  const durations = samples.flatMap((sample) => sample.durations)
  return {
    ...{ testCase, subject, costs, rates },
    cost: median(costs),
    spread: middleHalf(costs),
    rate: median(rates),
    failed: samples.reduce((sum, one) => sum + one.failed, 0) / durations.length,
    p50: median(durations),
    p99: quantile(durations, 0.99),
    ...work
  }
}
