import { order } from './api.js'
import { byId, copy, element } from './elements.js'
import { ms, text } from './texts.js'

/** How long a replay lasts, in milliseconds. */
const REPLAY = 3500

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const NAMES = ['express-session', 'holdfast']

const courses = {
  keys: {
    runs: KEYS,
    cells: KEYS.map((key) => [key, key]),
    label: (name) => name,
    /** The moment when a request's work reaches the store. */
    lands: (run, held) => held.find(({ at, keys }) => at >= run.sent && keys?.includes(run.name))?.at,
    before: [],
    stateOf: (key, keys, earlier) => (keys.includes(key) ? 'kept' : earlier.includes(key) ? 'lost' : ''),
    score: ({ kept }) => {
      const count = KEYS.filter((key) => kept.includes(key)).length
      return [text('keptOf', count, KEYS.length), count === KEYS.length]
    },
    result: ([theirs, ours]) => {
      const kept = (lane) => KEYS.filter((key) => lane.kept.includes(key)).length
      const answered = theirs.requests.filter(({ status }) => status === 200).length
      return text('keysResult', answered, kept(theirs), kept(ours))
    }
  },
  logout: {
    runs: ['write', 'logout'],
    cells: [
      ['user', text('loggedIn')],
      ['cart', 'cart']
    ],
    label: (name) => text(name === 'logout' ? 'logoutRun' : 'write'),
    lands: (run, held) => held.find(({ keys }) => (keys === null) === (run.name === 'logout'))?.at,
    before: ['user'],
    stateOf: (key, keys, earlier, ended) => (keys.includes(key) ? (ended ? 'lost back' : 'kept') : ''),
    score: ({ kept }) => (kept.includes('user') ? [text('stillIn'), false] : [text('staysOut'), true]),
    result: ([theirs, ours]) => {
      const { status } = ours.requests.find(({ name }) => name === 'write')
      return theirs.kept.includes('user') && !ours.kept.includes('user')
        ? text('logoutResult', status)
        : text('bothOut')
    }
  }
}

/** Both lanes, before a race or as it was at a moment of it. */
function build(course) {
  const lanes = NAMES.map((name) => {
    const lane = copy('lane')
    lane.dataset.name = name
    lane.querySelector('h3').textContent = name === 'holdfast' ? 'Holdfast' : name
    lane.querySelector('.score').textContent = '–'
    lane.querySelector('.runs').append(
      ...course.runs.map((run) => {
        const item = element('li')
        item.append(element('span', '', 'status'), element('span', '', 'track'))
        item.lastElementChild.append(element('span', course.label(run), 'dot'))
        return item
      })
    )
    lane.querySelector('.cells').append(...course.cells.map(([, label]) => element('li', label)))
    return lane
  })
  byId('lanes').replaceChildren(...lanes)
  return lanes
}

/** Shows a lane as it was `at` so many milliseconds after its first request. */
function showAt(lane, result, course, at) {
  const held = result.held.filter((state) => state.at <= at)
  const keys = held.length === 0 ? course.before : (held.at(-1).keys ?? [])
  const earlier = held.flatMap((state) => state.keys ?? [])
  const ended = held.some((state) => state.keys === null)
  for (const [index, cell] of [...lane.querySelectorAll('.cells li')].entries()) {
    cell.className = course.stateOf(course.cells[index][0], keys, earlier, ended)
  }
  for (const [index, item] of [...lane.querySelectorAll('.runs li')].entries()) {
    const run = result.requests.find(({ name }) => name === course.runs[index])
    const lands = course.lands(run, result.held) ?? (run.sent + run.answered) / 2
    item.className =
      at < run.sent ? '' : at < run.answered ? 'flies' : run.status === 200 ? 'good' : 'refused'
    item.querySelector('.status').textContent = at < run.answered ? '' : run.status
    const way =
      at < lands ? (at - run.sent) / (lands - run.sent) : (run.answered - at) / (run.answered - lands)
    item.style.setProperty('--way', String(Math.min(1, Math.max(0, way))))
  }
}

function finish(lanes, results, course) {
  for (const [index, lane] of lanes.entries()) {
    showAt(lane, results[index], course, Infinity)
    const [score, good] = course.score(results[index])
    lane.querySelector('.score').textContent = score
    lane.classList.add(good ? 'won' : 'failed')
  }
  byId('race-result').textContent = course.result(results)
}

/** Shows both lanes on one clock, slowed down. */
async function replay(lanes, results, course) {
  const ends = results.map(({ requests }) => Math.max(...requests.map(({ answered }) => answered)))
  const slower = REPLAY / Math.max(...ends)
  byId('race-slower').textContent = text('slower', ms(slower))
  if (!window.matchMedia('(prefers-reduced-motion: reduce)').matches) {
    const began = performance.now()
    for (;;) {
      const at = (await new Promise(window.requestAnimationFrame)) - began
      if (at >= REPLAY) break
      for (const [index, lane] of lanes.entries()) showAt(lane, results[index], course, at / slower)
    }
  }
  finish(lanes, results, course)
}

async function run(name, button) {
  const buttons = [byId('race-keys'), byId('race-logout')]
  for (const other of buttons) other.disabled = true
  const course = courses[name]
  const lanes = build(course)
  byId('race-result').textContent = ''
  const answer = await order('/race', { course: name })
  if (answer.ok) await replay(lanes, JSON.parse(answer.body).lanes, course)
  else byId('race-result').textContent = text('raceFailed')
  for (const other of buttons) other.disabled = false
  if (document.activeElement === document.body) button.focus()
}

export function prepareRace() {
  build(courses.keys)
  byId('race-keys').addEventListener('click', (event) => void run('keys', event.currentTarget))
  byId('race-logout').addEventListener('click', (event) => void run('logout', event.currentTarget))
}
