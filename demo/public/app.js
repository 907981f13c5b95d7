import { get, post } from './api.js'
import { listenForLogouts, refreshDevices } from './devices.js'
import { clearLog, write } from './log.js'
import { refresh } from './panel.js'

const byId = (id) => document.getElementById(id)

/** What the page shows of the session, and of the user's others. */
const look = () => Promise.all([refresh(), refreshDevices()])

/** Sends a request, writes its answer down, and looks again. */
async function run(request) {
  const answer = await request
  write(answer)
  await look()
  return answer
}

/** Sends a form's fields as its own action says, but without leaving the page, and forgets the password. */
function submitHere(form, send) {
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const fields = new FormData(form)
    form.querySelector('[type=password]').value = ''
    void run(send(form.getAttribute('action'), fields))
  })
}

function showCount(answer) {
  if (answer.ok) byId('number').textContent = answer.body
}

async function fifty(button) {
  button.disabled = true
  // A visitor without a session gets one first: fifty first requests would make fifty sessions.
  showCount(await run(get('/count')))
  const began = performance.now()
  const answers = await Promise.all(Array.from({ length: 50 }, () => get('/count')))
  const numbers = answers.filter(({ ok }) => ok).map(({ body }) => Number(/\d+/.exec(body)))
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
  const different = new Set(numbers).size
  write({
    request: '50 × GET /count',
    ok: different === 50,
    status: answers.find(({ ok }) => !ok)?.status ?? 200,
    ms: performance.now() - began,
    body: different === 0 ? answers[0].body : `${different} 个不同的数 different numbers: ${least}–${most}`
  })
  if (different > 0) byId('number').textContent = `第${most}次`
  await look()
  button.disabled = false
  // A disabled button lost the focus; give it back to whoever has not moved on.
  if (document.activeElement === document.body) button.focus()
}

submitHere(byId('login'), (action, fields) => post(action, Object.fromEntries(fields)))
submitHere(byId('form'), (action, fields) => post(action, new URLSearchParams(fields)))
byId('count').addEventListener('click', async () => showCount(await run(get('/count'))))
byId('fifty').addEventListener('click', (event) => void fifty(event.currentTarget))
byId('get-user').addEventListener('click', () => void run(get('/users/getUser')))
byId('logout').addEventListener('click', async () => {
  const { ok } = await run(post('/users/logout'))
  if (ok) byId('number').textContent = ''
})
byId('clear').addEventListener('click', clearLog)
listenForLogouts(run)
void look()
