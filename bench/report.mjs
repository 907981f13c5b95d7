import { nameOf, SERVERS, subjectsWith } from './subjects.mjs'

const [reference] = subjectsWith({ library: 'express-session', store: 'connect-redis' })

/** The tables, as Markdown. */
export function report(results, memory, goals) {
  return [
    '## Goals',
    'Unclear: the limit lies within what the middle half of the rounds leaves open.',
    table(
      ['goal', 'at most', 'reached', 'met'],
      goals.map(({ goal, limit, reached, met }) => [goal, limit, reached, met === 'yes' ? met : `**${met}**`])
    ),
    '## Requests',
    'Processor time of the server per request on top of the bare server, in µs: the median of the rounds, and the ' +
      'middle half of them. On the lines of the bare servers it is the whole. Share: of express-session with ' +
      'connect-redis. Redis: commands per request, bytes to it and from it.',
    table(
      [
        ...['case', 'server', 'sessions', 'µs', 'middle half', 'share'],
        ...['req/s', 'p50 ms', 'p99 ms', 'commands', 'bytes to', 'bytes from']
      ],
      results.map((result) => line(result, results))
    ),
    ...pipelining(results),
    '## Room',
    'Sessions of about 450 bytes, in a process or a Redis that holds nothing else. Pause: the longest turn of the ' +
      'event loop while all of them expire at the same moment.',
    table(
      ['store', 'sessions', 'bytes of a text', 'bytes of a session', 'ratio', 'pause ms'],
      memory.map(({ store, sessions, text, bytes, ratio, pause }) => [
        ...[store, sessions.toLocaleString('en'), text.toFixed(0), bytes.toFixed(0), ratio.toFixed(2)],
        pause?.toFixed(1) ?? '–'
      ])
    )
  ].join('\n\n')
}

function line(result, results) {
  const { testCase, subject, cost, spread, rate, p50, p99, commands, bytesIn, bytesOut } = result
  const compared = results.find((one) => one.testCase === testCase && one.subject === reference)
  return [
    ...[testCase.name, SERVERS[subject.framework], nameOf(subject)],
    ...[cost.toFixed(1), spread.map((one) => one.toFixed(1)).join(' to ')],
    subject.library && compared ? (cost / compared.cost).toFixed(2) : '–',
    ...[rate.toFixed(0), p50.toFixed(2), p99.toFixed(2)],
    ...[commands.toFixed(2).replace(/\.?0+$/, ''), bytesIn.toFixed(0), bytesOut.toFixed(0)]
  ]
}

/** What it gives when commands in flight share a write to the socket. */
function pipelining(results) {
  const [plain] = subjectsWith({ framework: 'express', library: 'holdfast', store: 'ioredis', load: 'lazy' })
  const rows = results
    .filter(({ subject }) => subject.pipelining)
    .flatMap(({ testCase }) => results.filter((one) => one.testCase === testCase && isOne(one.subject)))
    .map(({ testCase, subject, cost, rate, p50, commands, reads }) => [
      ...[testCase.name, testCase.connections, subject.pipelining ? 'on' : 'off'],
      ...[cost.toFixed(1), rate.toFixed(0), p50.toFixed(2), (commands / reads).toFixed(1)]
    ])
  if (rows.length === 0) return []
  const text =
    "ioredis's `enableAutoPipelining`, for Holdfast lazy on Express: how many commands Redis gets in one read from " +
    'a socket.'
  const head = ['case', 'connections', 'autopipelining', 'µs', 'req/s', 'p50 ms', 'commands in a read']
  return ['## Pipelining', text, table(head, rows)]

  function isOne(subject) {
    return subject === plain || subject.pipelining
  }
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
