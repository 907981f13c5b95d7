import { get, look, order } from './api.js'
import { byId, element } from './elements.js'
import { on } from './stream.js'
import { ms, text } from './texts.js'

/** Milliseconds between two requests, and how high a bar can get. */
const PAUSE = 250
const HIGHEST = 1000
/** Bars that fit. */
const MOST = 48
/** Requests after the thaw. */
const AFTER = 6

let frozen = false
let thawedAt = 0
let probing = false

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE))

async function probe() {
  const item = element('div', '', 'waits')
  byId('bars').append(item)
  while (byId('bars').children.length > MOST) byId('bars').firstElementChild.remove()
  const answer = await get('/users/getUser')
  item.className = answer.ok ? 'good' : 'bad'
  item.title = `${answer.status} · ${ms(answer.ms)} ms`
  item.style.setProperty('--height', String(Math.min(1, answer.ms / HIGHEST)))
  item.append(element('span', ms(answer.ms)))
  return answer
}

/** Asks again and again, and says what came of it, until the store is well. */
async function probeWhileFrozen(refresh) {
  if (probing) return
  probing = true
  byId('freeze-says').textContent = text('freezeWaiting')
  const first = await Promise.all([probe(), probe(), probe()])
  const waited = first.filter(({ ok }) => !ok)
  let well = 0
  while (well < AFTER) {
    await pause()
    const answer = await probe()
    if (answer.ok) {
      if (well === 0 && thawedAt)
        byId('freeze-says').textContent = text('freezeWell', ms(performance.now() - thawedAt))
      well++
    } else if (waited.length > 0) {
      const longest = Math.max(...waited.map((one) => one.ms))
      byId('freeze-says').textContent = text('freezeAtOnce', waited.length, ms(longest), ms(answer.ms))
    }
    if (well === 1 || (!answer.ok && frozen)) void refresh()
  }
  probing = false
}

function showSwitch() {
  byId('freeze').textContent = text(frozen ? 'thaw' : 'freezeOn')
  byId('freeze').classList.toggle('on', frozen)
}

/** @param refresh - shows the session as it is now */
export function prepareFreeze(refresh) {
  byId('freeze').addEventListener('click', async () => {
    const wanted = !frozen
    if (wanted) {
      // Without a session the store is not asked, and nobody would notice.
      const { body } = await look('/session')
      if (!body.includes('"handle"')) await get('/count')
      for (let count = 0; count < 4; count++) await probe()
    }
    await order('/store/freeze', { frozen: wanted })
  })
  on('frozen', (is) => {
    if (frozen && !is) thawedAt = performance.now()
    if (!frozen && is) {
      thawedAt = 0
      void probeWhileFrozen(refresh)
    }
    frozen = is
    showSwitch()
  })
}
