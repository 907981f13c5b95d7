import { goalTable, report } from './report.mjs'
import { subjectWith } from './subjects.mjs'

const METHOD = `## Method

\`npm run bench\` measures what a session costs on top of the bare server, side by side with other libraries, in one run
on each version of Node. \`npm run bench -- --quick\` takes three minutes, \`npm run bench -- --write\` measures all cases
and writes this file, \`--node 20,22\` measures other versions, and \`--before FOLDER\` adds another build of Holdfast.
\`node bench/counts.mjs\` counts the promises, timers, bytes and commands of a request, and \`node bench/profile.mjs\` shows
which functions take the time.

Each server runs in a process of its own; the load comes from another process over keep-alive connections, 32 unless the
case says otherwise, each with a session of its own. The servers take turns in every round. Sessions take about 450 bytes
in the store; \`resave\` and \`saveUninitialized\` are \`false\`; one Redis without persistence serves all. "bare" is the
framework alone, as npm installs it. "least" is the least that a session can cost with that client: check the signature,
\`GETEX\`, \`JSON.parse\`, and \`SET\`. A plain store is the least that a library asks for: \`GET\`, \`SET … PX\`, \`PEXPIRE\`
and \`DEL\` of a JSON text. Holdfast connects by \`RedisStore.connect\` on ioredis, and with a client of default options on
node-redis.

In the tables, req/s is the throughput of whole requests. The next column is the processor time of the server's process
per request, in µs: on top of the bare server in the same round, or the whole for the bare servers. Both are medians of
the rounds; beside them is the interquartile range. Share: of express-session with connect-redis. Redis: commands per
request, bytes to it and from it. Lost: changes of concurrent requests to different keys of one session that are missing
afterwards although they were answered with 200. Promises and timers are counted by an async hook over 100 requests, on one connection; KB are what V8
allocates on its heap for a request. Room: sessions of about 450 bytes, in a process or a Redis that holds nothing else;
pause is the longest turn of the event loop while all of them expire at the same moment.`

/** `docs/performance.md`. `runs`: of each Node, see run.mjs; `environment`: lines about the machine. */
export function documentOf(runs, environment) {
  return [
    '# Performance',
    summary(runs),
    '![Requests per second on Express, with the figures in the tables below](performance.svg)',
    METHOD,
    environment.join('\n\n'),
    ...runs.flatMap(report),
    '## Our own goals',
    'Shares compare processor time on top of bare Express with express-session and connect-redis on node-redis, in the ' +
      'same run. Unclear: the threshold falls inside the interquartile range.',
    goalTable(runs),
    ''
  ].join('\n\n')
}

/** Three sentences for those who read no further. */
function summary([{ name, results }]) {
  const rate = (testCase, wanted) => {
    const subject = subjectWith({ framework: 'express', ...wanted })
    const found = results.find((one) => one.testCase.name === testCase && one.subject === subject)
    return Math.round(found.rate).toLocaleString('en')
  }
  const peer = { library: 'express-session', store: 'node-redis' }
  const ours = (load) => ({ library: 'holdfast', store: 'node-redis', load })
  const major = name.split('.')[0]
  return (
    `On Node ${major}, one Express process serves ${rate('read', ours('eager'))} requests per second that read a session ` +
    `with Holdfast, and ${rate('read', peer)} with express-session and connect-redis. ` +
    `If each request changes its session, it serves ${rate('change', ours('eager'))} and ${rate('change', peer)}. ` +
    `A visitor without a session costs no command: ${rate('no cookie', ours('eager'))} requests per second, where bare ` +
    `Express serves ${rate('no cookie', { library: undefined })}.`
  )
}
