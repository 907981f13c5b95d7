import { performance } from 'node:perf_hooks'
import { CASES, takesPart } from './cases.mjs'
import { Rig } from './rig.mjs'
import { median, quantile } from './statistics.mjs'
import { bareOf, SUBJECTS } from './subjects.mjs'

const FEWEST_ROUNDS = 7

/**
 * Measures the subjects in all cases. They take turns in every round, so that whatever else the machine does meets
 * all of them; what a subject costs is the difference to its bare server in the same round.
 *
 * @param plan - `seconds` that the rounds of a case take, `requests` of each subject in a round, `warmUp`: requests
 *   to each server before the first case; `quick` leaves out subjects and cases
 * @returns a list of `{ testCase, subject, … }`, see {@link summary}
 */
export async function measure(redis, plan, progress) {
  const partOfPlan = ({ quick }) => quick || !plan.quick
  const cases = CASES.filter(partOfPlan)
  const rigs = SUBJECTS.filter(partOfPlan).map((subject) => new Rig(subject, redis))
  try {
    progress('starting the servers, and warming them up')
    await Promise.all(rigs.map((rig) => rig.start()))
    for (const rig of rigs) await rig.warmUp(cases, plan)
    const results = []
    for (const testCase of cases) {
      progress(testCase.name)
      const taking = rigs.filter(({ subject }) => takesPart(subject, testCase))
      const rounds = await roundsOf(taking, testCase, plan)
      results.push(...taking.map(({ subject }) => summary(testCase, subject, rounds)))
    }
    return results
  } finally {
    await Promise.all(rigs.map((rig) => rig.stop()))
  }
}

async function roundsOf(rigs, testCase, { seconds, requests }) {
  const rounds = []
  for (const rig of rigs) await rig.open(testCase)
  for (const rig of rigs) await rig.run(testCase, requests)
  const end = performance.now() + 1000 * seconds
  while (rounds.length < FEWEST_ROUNDS || performance.now() < end) {
    const samples = new Map()
    for (const rig of rigs) samples.set(rig.subject, await rig.run(testCase, requests))
    rounds.push(samples)
  }
  for (const rig of rigs) rig.close()
  return rounds
}

function summary(testCase, subject, rounds) {
  const samples = rounds.map((one) => one.get(subject))
  const bare = bareOf(subject)
  const costs = rounds.map((one) => one.get(subject).cpu - (subject === bare ? 0 : one.get(bare).cpu))
  const durations = samples.flatMap((sample) => sample.durations)
  const work = (name) => median(samples.map((sample) => sample.work[name]))
  return {
    testCase,
    subject,
    cost: median(costs),
    rounds: rounds.length,
    spread: [quantile(costs, 0.25), quantile(costs, 0.75)],
    rate: median(samples.map(({ rate }) => rate)),
    p50: median(durations),
    p99: quantile(durations, 0.99),
    commands: work('commands'),
    bytesIn: work('bytesIn'),
    bytesOut: work('bytesOut'),
    reads: work('reads')
  }
}
