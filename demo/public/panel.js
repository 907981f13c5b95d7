import { get } from './api.js'
import { showJson } from './json.js'
import { clock, limit } from './time.js'

const byId = (id) => document.getElementById(id)
const when = new Intl.DateTimeFormat('zh-CN', { dateStyle: 'short', timeStyle: 'medium' })

/** The session as last seen, and when that was on this page's own clock. */
let seen = null
let seenAt = 0
let asked = 0

/** Asks the server for the session and shows it. Of several answers the one asked for last is kept. */
export async function refresh() {
  const turn = ++asked
  const answer = await get('/session')
  if (turn !== asked) return
  if (answer.ok) {
    const { session, store } = JSON.parse(answer.body)
    seen = session
    seenAt = Date.now()
    show(session, store)
  } else {
    byId('state').textContent = '读不到 unavailable'
  }
}

function show(session, store) {
  byId('store').textContent = store
  byId('facts').hidden = byId('stored').hidden = session === null
  byId('no-session').hidden = session !== null
  const user = session?.user ?? null
  byId('state').textContent = user === null ? '匿名 anonymous' : '已登录 logged in'
  byId('state').classList.toggle('in', user !== null)
  showJson(byId('json'), session?.stored ?? null)
  if (session === null) return

  byId('user').textContent = user ?? '—'
  byId('visits').textContent = session.count
  byId('handle').textContent = session.handle
  byId('began').dateTime = session.began
  byId('began').textContent = `自 since ${when.format(new Date(session.began))}`
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
