import { nameOf, SERVERS, subjectWith } from './subjects.mjs'

const reference = subjectWith({ library: 'express-session', store: 'node-redis' })

/** The tables of one Node, as Markdown. */
export function report({ name, results, counts, memory }) {
  const cases = [...new Set(results.map(({ testCase }) => testCase))]
  return [
    `## Node ${name}`,
    ...cases.flatMap((testCase) => {
      const taking = results.filter((result) => result.testCase === testCase)
      return [`### ${sentence(testCase.name)}`, caseTable(taking)]
    }),
    '### Promises, timers, bytes',
    table(
      ['case', 'sessions', 'promises', 'timers', 'KB allocated'],
      counts.map(({ testCase, subject, promises, timers, bytes }) => [
        ...[testCase.name, nameOf(subject), number(promises), number(timers), (bytes / 1000).toFixed(1)]
      ])
    ),
    '### Room',
    table(
      ['store', 'sessions', 'bytes of a text', 'bytes of a session', 'ratio', 'pause ms'],
      memory.map(({ store, sessions, text, bytes, ratio, pause }) => [
        ...[store, sessions.toLocaleString('en'), text.toFixed(0), bytes.toFixed(0), ratio.toFixed(2)],
        pause?.toFixed(1) ?? '–'
      ])
    )
  ]
}

/** All goals, with a column for each Node. `runs`: `{ name, goals }`. */
export function goalTable(runs) {
  const names = new Map(runs.flatMap(({ goals }) => goals.map(({ goal, limit }) => [goal, limit])))
  const cell = (goals, name) => {
    const found = goals.find(({ goal }) => goal === name)
    if (!found) return ['–', '–']
    return [found.reached, found.met === 'met' ? 'met' : `**${found.met}**`]
  }
  return table(
    ['goal', 'limit', ...runs.flatMap(({ name }) => [`Node ${name}`, ''])],
    [...names].map(([name, limit]) => [name, limit, ...runs.flatMap(({ goals }) => cell(goals, name))])
  )
}

function caseTable(results) {
  const compared = results.find(({ subject }) => subject === reference)
  const isShared = results.some(({ lost }) => lost !== undefined)
  return table(
    [
      ...['server', 'sessions', 'req/s', 'µs', 'middle half', 'share', 'p50 ms', 'p99 ms'],
      ...['commands', 'bytes to', 'bytes from', ...(isShared ? ['lost', '503'] : [])]
    ],
    results.map(({ subject, cost, spread, rate, p50, p99, commands, bytesIn, bytesOut, lost, failed }) => [
      ...[SERVERS[subject.framework], nameOf(subject), rate.toFixed(0), cost.toFixed(1)],
      spread.map((one) => one.toFixed(1)).join(' to '),
      subject.library && compared ? (cost / compared.cost).toFixed(2) : '–',
      ...[p50.toFixed(2), p99.toFixed(2), number(commands), bytesIn.toFixed(0), bytesOut.toFixed(0)],
      ...(isShared ? [lost === undefined ? '–' : percent(lost), percent(failed)] : [])
    ])
  )
}

const percent = (share) => `${(100 * share).toFixed(1)} %`

const sentence = (name) => name[0].toUpperCase() + name.slice(1)

const number = (value) => value.toFixed(2).replace(/\.?0+$/, '')

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
