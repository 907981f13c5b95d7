import { byId, element } from './elements.js'
import { on } from './stream.js'
import { ms, text } from './texts.js'

/** The way of one request, as far as it went: for each station the milliseconds that it took, or why it ended there. */
function stationsOf(trace) {
  const { entered, verified, loaded, answered, committed, released, refused } = trace
  const named = (...names) => trace.commands.find(({ name }) => names.includes(name))
  const load = named('get')
  const write = named('set', 'destroy')
  const stations = { browser: {} }
  if (entered === undefined) return { ...stations, handler: { took: answered }, released: { took: released } }
  stations.signature = refused === 'bad signature' ? { bad: text(refused) } : { took: verified - entered }
  if (refused === 'load failed') stations.load = { bad: `${ms(load ? load.ms : answered)} ms` }
  else if (loaded !== undefined || load) stations.load = { took: (loaded ?? load.at + load.ms) - load.at }
  if (refused === 'unknown' || refused === 'expired') stations.load = { bad: text(refused) }
  stations.handler = { took: answered - verified }
  if (write) stations.held = { took: Math.max(0, released - answered) }
  if (committed !== undefined && write) stations.commit = { took: committed - write.at }
  else if (write) stations.commit = { took: write.ms }
  if (refused === 'commit failed' || refused === 'gone') stations.commit = { bad: text(refused) }
  stations.released = { took: released }
  return stations
}

function show(trace) {
  const head = byId('path-request')
  head.replaceChildren(element('code', trace.request), element('span', String(trace.status), 'code'))
  head.classList.toggle('bad', trace.status >= 400)
  if (trace.merged) head.append(element('span', text('merged'), 'aside'))

  const stations = stationsOf(trace)
  const list = byId('stations')
  for (const item of list.children) {
    const station = stations[item.dataset.station]
    item.className = station === undefined ? 'skipped' : station.bad ? 'bad' : 'lit'
    const took = station?.took === undefined ? '' : `${ms(station.took)} ms`
    item.querySelector('.ms').textContent = station?.bad ?? took
  }
  // Restarts the animation.
  list.classList.remove('runs')
  void list.offsetWidth
  list.classList.add('runs')
  showTimeline(trace)
}

function showTimeline({ commands, answered, released }) {
  const bar = (name, at, took, kind) => {
    const row = element('li', '', kind)
    const line = element('span', '', 'line')
    const fill = element('span')
    fill.style.left = `${Math.min(98, (at / released) * 100)}%`
    fill.style.width = `${Math.max(0.8, Math.min(100, (took / released) * 100))}%`
    line.append(fill)
    row.append(element('code', name), line, element('span', `${ms(took)} ms`, 'ms'))
    return row
  }
  const rows = commands.map(({ name, at, ms: took, ok }) => bar(name, at, took, ok ? '' : 'bad'))
  byId('timeline').replaceChildren(
    bar(text('handler'), 0, answered, 'whole'),
    bar(text('held'), answered, Math.max(0, released - answered), 'held'),
    ...(rows.length > 0 ? rows : [element('li', text('noCommands'), 'none')])
  )
}

/** Of many requests at once, the last one of each frame is shown. */
export function preparePath() {
  let latest = null
  on('trace', (trace) => {
    if (latest === null)
      window.requestAnimationFrame(() => {
        show(latest)
        latest = null
      })
    latest = trace
  })
}
