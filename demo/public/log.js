import { byId, element } from './elements.js'

const MOST = 100
const log = byId('log')

/** Writes an answer at the top of the log, word for word. */
export function write({ request, ok, status, ms, body }) {
  const item = element('div', '', ok ? 'entry good' : 'entry bad')
  const head = element('p')
  head.append(element('code', request), element('span', `${status || '–'} · ${Math.round(ms)} ms`))
  item.append(head, element('samp', body))
  log.prepend(item)
  const entries = log.querySelectorAll('.entry')
  if (entries.length > MOST) entries[MOST].remove()
  byId('log-empty').hidden = true
}

export function clearLog() {
  for (const entry of log.querySelectorAll('.entry')) entry.remove()
  byId('log-empty').hidden = false
}
