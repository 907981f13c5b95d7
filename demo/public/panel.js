import { look } from './api.js'
import { refreshCookie } from './cookie.js'
import { byId } from './elements.js'
import { showJson } from './json.js'
import { inLanguage, text } from './texts.js'
import { clock, limit, when } from './time.js'

/** The session as last seen, and when that was on this page's own clock. */
let seen = null
let seenAt = 0
let asked = 0
/** Another browser ended the session, and none has begun since. */
let ended = false

/** Asks the server for the session and shows it. Of several answers the one asked for last is kept. */
export async function refresh() {
  const turn = ++asked
  const [answer] = await Promise.all([look('/session'), refreshCookie()])
  if (turn !== asked) return
  if (answer.ok) {
    const { session, store } = JSON.parse(answer.body)
    seen = session
    seenAt = Date.now()
    show(session, store)
  } else showUnavailable()
}

function setState(key, notice = '') {
  byId('state').textContent = text(key)
  byId('state').dataset.state = key
  byId('notice').textContent = notice
  byId('notice').hidden = notice === ''
}

/** Old data is better than none, as long as it says so. */
function showUnavailable() {
  setState('unavailable', seen === null ? '' : text('lastSeen'))
  byId('panel').classList.toggle('stale', seen !== null)
}

/** The session was ended by another browser: what it held is gone from here, too. */
export function showEnded() {
  asked++
  ended = true
  seen = null
  showSession(null)
  byId('cookie').hidden = true
  setState('elsewhere', text('endedElsewhere'))
}

function show(session, store) {
  byId('store').textContent = inLanguage(store)
  byId('race-note').textContent = text('raceNote', text(store === 'Redis' ? 'raceRedis' : 'raceMemory'))
  ended &&= session === null
  if (ended) setState('elsewhere', text('endedElsewhere'))
  else setState((session?.user ?? null) === null ? 'anonymous' : 'loggedIn')
  showSession(session)
}

function showSession(session) {
  byId('panel').classList.remove('stale')
  byId('facts').hidden = byId('stored').hidden = session === null
  byId('no-session').hidden = session !== null
  showJson(byId('json'), session?.stored ?? null)
  if (session === null) return

  byId('user').textContent = session.user ?? '—'
  byId('visits').textContent = session.count
  byId('handle').textContent = session.handle
  byId('began').dateTime = session.began
  byId('began').textContent = text('since', when(session.began))
  for (const name of ['idle', 'lifetime']) {
    byId(`${name}-limit`).textContent = limit(session[name].limit)
    byId(`${name}-bar`).max = session[name].limit
  }
  tick()
}

/** Moves the clocks on; the server's own clock decides, this page's only counts the seconds since. */
function tick() {
  if (seen === null) return
  const passed = Date.now() - seenAt
  byId('age').textContent = clock(seen.age + passed)
  for (const name of ['idle', 'lifetime']) {
    const left = seen[name].left - passed
    byId(name).textContent = clock(left)
    byId(`${name}-bar`).value = Math.max(0, left)
    if (left <= 0) {
      seen = null
      void refresh()
      return
    }
  }
}

setInterval(tick, 1000)
