import { get, post } from './api.js'
import { during, prepareBrowsers, refreshBrowsers } from './browsers.js'
import { listenForLogouts, refreshDevices } from './devices.js'
import { byId } from './elements.js'
import { prepareFreeze } from './freeze.js'
import { clearLog, write } from './log.js'
import { refresh, showEnded } from './panel.js'
import { preparePath } from './path.js'
import { prepareRace } from './race.js'
import { watch } from './stream.js'
import { text } from './texts.js'

/** What the page shows of its sessions. */
const refreshAll = () => Promise.all([refresh(), refreshDevices(), refreshBrowsers()])

/** Sends a request of one of the browsers, writes its answer down, and looks again. */
function run(send, base = '') {
  return during(base, async () => {
    const answer = await send()
    write(answer)
    await refreshAll()
    return answer
  })
}

/** Sends a form's fields as its own action says, but without leaving the page, and forgets the password. */
function submitHere(form, send) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const fields = new FormData(form)
    form.querySelector('[type=password]').value = ''
    void run(() => send(form.getAttribute('action'), fields))
  })
}

const numberIn = ({ body }) => Number(/\d+/.exec(body))

function showCount(answer) {
  if (answer.ok) byId('number').textContent = text('visit', numberIn(answer))
}

async function fifty(button) {
  button.disabled = true
  // A visitor without a session gets one first: fifty first requests would make fifty sessions.
  showCount(await run(() => get('/count')))
  const began = performance.now()
  const answers = await Promise.all(Array.from({ length: 50 }, () => get('/count')))
  const numbers = answers.filter(({ ok }) => ok).map(numberIn)
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  const different = new Set(numbers).size
  write({
    request: '50 × GET /count',
    ok: different === 50,
    status: answers.find(({ ok }) => !ok)?.status ?? 200,
    ms: performance.now() - began,
    body: different === 0 ? answers[0].body : text('numbers', different, least, most)
  })
  if (different > 0) byId('number').textContent = text('visit', most)
  await refreshAll()
  button.disabled = false
  // A disabled button lost the focus; give it back to whoever has not moved on.
  if (document.activeElement === document.body) button.focus()
}

submitHere(byId('login'), (action, fields) => post(action, Object.fromEntries(fields)))
submitHere(byId('form'), (action, fields) => post(action, new URLSearchParams(fields)))
byId('count').addEventListener('click', async () => showCount(await run(() => get('/count'))))
byId('fifty').addEventListener('click', (event) => void fifty(event.currentTarget))
byId('get-user').addEventListener('click', () => void run(() => get('/users/getUser')))
byId('logout').addEventListener('click', async () => {
  const { ok } = await run(() => post('/users/logout'))
  if (ok) byId('number').textContent = '–'
})
byId('clear').addEventListener('click', clearLog)
listenForLogouts(run)
preparePath()
prepareRace()
prepareFreeze(refresh)
prepareBrowsers(
  (browser, path, body) => run(() => post(browser.base + path, body), browser.base),
  async (base) => {
    if (base === '') showEnded()
    await refreshDevices()
  }
)
watch()
void refreshAll()
