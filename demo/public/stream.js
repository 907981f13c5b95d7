import { page } from './api.js'

/** How long to wait before asking again, when the server refused the stream, in milliseconds. */
const RETRY = 1000

const listeners = { trace: [], ended: [], frozen: [], watching: [] }
let source = null
let retry

/** Hears an event of the server: `trace`, `ended`, `frozen`, `watching`. */
export const on = (event, fn) => listeners[event].push(fn)

/** Opens the stream anew: it watches the sessions that the cookies name now. */
export function watch() {
  clearTimeout(retry)
  source?.close()
  source = null
  // Each stream holds one of the six connections that a browser allows: a page that nobody sees needs none.
  if (document.hidden) return
  const opened = (source = new window.EventSource(`/events?page=${page}`))
  for (const [event, fns] of Object.entries(listeners)) {
    opened.addEventListener(event, ({ data }) => {
      if (source === opened) for (const fn of fns) fn(JSON.parse(data))
    })
  }
  opened.addEventListener('error', () => {
    if (source !== opened || opened.readyState !== window.EventSource.CLOSED) return
    clearTimeout(retry)
    retry = setTimeout(watch, RETRY)
  })
}

document.addEventListener('visibilitychange', watch)
