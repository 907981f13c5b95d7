import { subjectWith } from './subjects.mjs'

const CASES = [
  ['no cookie', 'no cookie'],
  ['verified, untouched', 'not used'],
  ['read', 'read'],
  ['change', 'changed']
]
const BARS = [
  ['bare', 'Express without sessions', subjectWith({ framework: 'express' })],
  [
    'peer',
    'express-session, connect-redis',
    subjectWith({ library: 'express-session', store: 'node-redis' })
  ],
  [
    'eager',
    'Holdfast',
    subjectWith({ framework: 'express', library: 'holdfast', store: 'node-redis', load: 'eager' })
  ],
  [
    'lazy',
    'Holdfast, lazy',
    subjectWith({ framework: 'express', library: 'holdfast', store: 'node-redis', load: 'lazy' })
  ]
]
const WIDTH = 760
const LEFT = 100
const RIGHT = 70
const BAR = 13
const GROUP = BARS.length * BAR + 14

const STYLE = `
    svg { background: #ffffff; font: 13px system-ui, sans-serif; }
    text { fill: #1f2328; }
    .head { font-weight: 600; font-size: 14px; }
    .figure { font-size: 11px; fill: #59636e; }
    .bare { fill: #c0c7cf; }
    .peer { fill: #d9822b; }
    .eager { fill: #0b5cad; }
    .lazy { fill: #6aa7e0; }
    @media (prefers-color-scheme: dark) {
      svg { background: #0d1117; }
      text { fill: #e6edf3; }
      .figure { fill: #9aa4af; }
      .bare { fill: #4a545f; }
      .peer { fill: #e59a4c; }
      .eager { fill: #6cb0ff; }
      .lazy { fill: #2f6db5; }
    }
  `

/** Requests per second of each Node as an SVG. `runs`: `{ name, results }`. */
export function chart(runs) {
  const panels = runs.map(({ name, results }) => ({ name, rows: rowsOf(results) }))
  const most = Math.max(
    ...panels.flatMap(({ rows }) => rows.flatMap(({ bars }) => bars.map(({ rate }) => rate)))
  )
  const scale = (WIDTH - LEFT - RIGHT) / most
  const parts = [...legend()]
  let y = 56
  for (const { name, rows } of panels) {
    parts.push(`<text class="head" x="16" y="${y + 12}">Node ${name}</text>`)
    y += 24
    for (const { label, bars } of rows) {
      parts.push(
        `<text x="${LEFT - 10}" y="${y + (BARS.length * BAR) / 2 + 4}" text-anchor="end">${label}</text>`
      )
      for (const { kind, rate } of bars) {
        const end = LEFT + rate * scale
        parts.push(
          `<rect class="${kind}" x="${LEFT}" y="${y}" width="${(rate * scale).toFixed(1)}" height="${BAR - 2}" />`
        )
        parts.push(`<text class="figure" x="${(end + 5).toFixed(1)}" y="${y + 9}">${figure(rate)}</text>`)
        y += BAR
      }
      y += GROUP - BARS.length * BAR
    }
    y += 8
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-labelledby="title desc">`,
    '<title id="title">Requests per second on Express</title>',
    `<desc id="desc">${panels.map(describe).join(' ')}</desc>`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>',
    ''
  ].join('\n')
}

function rowsOf(results) {
  return CASES.map(([name, label]) => ({
    label,
    bars: BARS.map(([kind, title, subject]) => ({
      ...{ kind, title },
      rate: results.find((one) => one.testCase.name === name && one.subject === subject).rate
    }))
  }))
}

function legend() {
  let x = 16
  return [
    '<text class="head" x="16" y="20">Requests per second on Express, one process</text>',
    ...BARS.flatMap(([kind, title]) => {
      const from = x
      x += 34 + 6.6 * title.length
      return [
        `<rect class="${kind}" x="${from}" y="32" width="11" height="11" />`,
        `<text x="${from + 16}" y="42">${title}</text>`
      ]
    })
  ]
}

function describe({ name, rows }) {
  const cases = rows.map(
    ({ label, bars }) => `${label}: ${bars.map(({ title, rate }) => `${title} ${figure(rate)}`).join(', ')}`
  )
  return `Node ${name}. ${cases.join('; ')}.`
}

const figure = (rate) => Math.round(rate).toLocaleString('en')
