import { look, post } from './api.js'
import { byId, copy } from './elements.js'
import { inLanguage, text } from './texts.js'
import { when } from './time.js'

let asked = 0

/** Asks the server for this user's devices and shows them. Of several answers the one asked for last is kept. */
export async function refreshDevices() {
  const turn = ++asked
  const answer = await look('/users/devices')
  if (turn !== asked) return
  if (answer.ok) show(JSON.parse(answer.body))
}

/** Logs devices out through `run`, as all of the page's requests go. */
export function listenForLogouts(run) {
  byId('devices').addEventListener('click', async ({ target }) => {
    const button = target.closest('button')
    if (button)
      await pressed(
        button,
        run(() => post('/users/devices/logout', { handle: button.value }))
      )
  })
  byId('others').addEventListener('click', (event) => {
    void pressed(
      event.currentTarget,
      run(() => post('/users/devices/logout-others'))
    )
  })
}

/** A button that has gone takes the focus along; the title keeps it in place. */
async function pressed(button, answer) {
  button.disabled = true
  await answer
  button.disabled = false
  if (document.activeElement !== document.body) return
  if (button.isConnected && button.checkVisibility()) button.focus()
  else byId('devices-title').focus()
}

function show({ user, devices, reason }) {
  byId('devices-nobody').hidden = user !== null
  byId('devices-reason').hidden = reason === undefined
  byId('devices-reason').textContent = inLanguage(reason ?? '')
  byId('others').hidden = user === null || devices?.length === 1
  const list = byId('devices')
  list.hidden = !devices?.length
  const before = new Map([...list.children].map((item) => [item.dataset.handle, item]))
  const items = (devices ?? []).map((device) => {
    const item = before.get(device.handle) ?? newItem(device)
    item.querySelector('.seen').textContent = text('seen', when(device.firstSeen), when(device.lastSeen))
    return item
  })
  for (const item of before.values()) if (!items.includes(item)) item.remove()
  // What stays in its place keeps the focus.
  items.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null)
  })
}

function newItem({ handle, browser, current }) {
  const item = copy('device')
  const name = item.querySelector('.name')
  item.dataset.handle = handle
  name.id = `device-${handle}`
  name.textContent = browser ?? text('unknownBrowser')
  item.querySelector('.this').hidden = !current
  const button = item.querySelector('button')
  button.value = handle
  button.setAttribute('aria-describedby', name.id)
  return item
}
