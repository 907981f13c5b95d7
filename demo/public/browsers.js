import { look } from './api.js'
import { byId, copy } from './elements.js'
import { on, watch } from './stream.js'
import { ms, text } from './texts.js'

const GUEST = 'Ann'
const browsers = []

/** One of the two browsers on this page: `base` is where its requests go. */
function makeBrowser(base, title, run) {
  const frame = copy('browser')
  const part = (name) => frame.querySelector(name)
  part('h3').textContent = text(title)
  byId('browsers').append(frame)

  const own = { base, handle: null, user: null, thrown: null, asked: 0, busy: 0 }
  const other = () => browsers.find((browser) => browser !== own)
  own.show = () => {
    frame.classList.toggle('in', own.user !== null)
    frame.classList.toggle('out', own.thrown !== null)
    part('.who').textContent = own.user ?? text(own.thrown ? 'thrownOut' : 'nobody')
    part('.aside').textContent =
      own.thrown?.after === undefined ? '' : text('knewAfter', ms(own.thrown.after))
    part('.enter').textContent = text('enter', other().user ?? GUEST)
    part('.enter').hidden = own.user !== null
    part('.leave').hidden = own.user === null
    part('.throw').hidden = own.user === null
    part('.throw').disabled = other().user === null
  }
  own.press = async (button, path, body) => {
    button.disabled = true
    const { ok } = await run(own, path, body)
    button.disabled = false
    for (const browser of browsers) browser.show()
    if (document.activeElement === document.body)
      [...frame.querySelectorAll('button')].find((one) => one.checkVisibility() && !one.disabled)?.focus()
    return ok
  }
  part('.enter').addEventListener('click', ({ currentTarget }) => {
    void own.press(currentTarget, '/users/login', { username: other().user ?? GUEST, password: '' })
  })
  part('.leave').addEventListener('click', ({ currentTarget }) => {
    void own.press(currentTarget, '/users/logout')
  })
  part('.throw').addEventListener('click', ({ currentTarget }) => {
    other().clicked = performance.now()
    void own.press(currentTarget, '/users/devices/logout-others')
  })
  browsers.push(own)
}

/** Does some work of a browser's own: whatever it ends meanwhile is no surprise to it. */
export async function during(base, work) {
  const browser = browsers.find((one) => one.base === base)
  browser.busy++
  try {
    return await work()
  } finally {
    browser.busy--
  }
}

/** Asks the server who is logged in with each, and has the stream watch the sessions that are there now. */
export async function refreshBrowsers() {
  const before = browsers.map(({ handle }) => handle).join()
  await Promise.all(
    browsers.map(async (browser) => {
      const turn = ++browser.asked
      const answer = await look(`${browser.base}/session`)
      if (turn !== browser.asked || !answer.ok) return
      const { session } = JSON.parse(answer.body)
      browser.handle = session?.handle ?? null
      browser.user = session?.user ?? null
      if (browser.user !== null) browser.thrown = null
    })
  )
  for (const browser of browsers) browser.show()
  if (browsers.map(({ handle }) => handle).join() !== before) watch()
}

/**
 * @param run - sends a request of a browser, and writes its answer down
 * @param ended - called with the base of a browser whose session was ended by somebody else
 */
export function prepareBrowsers(run, ended) {
  makeBrowser('', 'first', run)
  makeBrowser('/second', 'second', run)
  for (const browser of browsers) browser.show()

  on('ended', (handle) => {
    const browser = browsers.find((one) => one.handle === handle)
    if (!browser || browser.busy > 0) return
    const hadUser = browser.user !== null
    browser.asked++
    Object.assign(browser, { handle: null, user: null })
    browser.thrown = hadUser ? { after: browser.clicked && performance.now() - browser.clicked } : null
    browser.clicked = undefined
    for (const one of browsers) one.show()
    ended(browser.base)
  })
  on('watching', (handles) => {
    if (handles.some((handle, index) => handle !== browsers[index].handle)) void refreshBrowsers()
  })
}
