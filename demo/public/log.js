const MOST = 100
const log = document.getElementById('log')
const empty = document.getElementById('log-empty')

/** Writes an answer at the top of the log, word for word. */
export function write({ request, ok, status, ms, body }) {
  const item = document.createElement('li')
  item.className = ok ? 'good' : 'bad'
  const head = document.createElement('p')
  head.append(element('code', request), element('span', `${status || '–'} · ${Math.round(ms)} ms`))
  item.append(head, element('samp', body))
  log.prepend(item)
  while (log.children.length > MOST) log.lastElementChild.remove()
  empty.hidden = true
}

export function clearLog() {
  log.replaceChildren()
  empty.hidden = false
}

/** Text only: an answer is never taken for markup. */
function element(name, text) {
  const node = document.createElement(name)
  node.textContent = text
  return node
}
