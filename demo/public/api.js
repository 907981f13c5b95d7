import { text } from './texts.js'

/** What the server knows this page by, to tell it about its own requests and no others. */
export const page = Math.random().toString(36).slice(2)

const SHOWN = { 'X-Page': page }
const JSON_BODY = { 'Content-Type': 'application/json' }

/** One request to the demo's server: always resolves, to what the log needs. `body` is the answer's own text. */
async function send(method, path, options = {}) {
  const began = performance.now()
  const request = `${method} ${path}`
  try {
    // A browser sends what it might cache once at a time, so that the second can have what the first got.
    const response = await fetch(path, { method, cache: 'no-store', ...options })
    const body = await response.text()
    return { request, ok: response.ok, status: response.status, ms: performance.now() - began, body }
  } catch {
    return { request, ok: false, status: 0, ms: performance.now() - began, body: text('unreachable') }
  }
}

/** A request whose path is shown. */
export const get = (path) => send('GET', path, { headers: SHOWN })

/** What the page asks for its own sake: nobody pressed anything. */
export const look = (path) => send('GET', path)

/** What the page has the server do beside the sessions. */
export const order = (path, body) => send('POST', path, { headers: JSON_BODY, body: JSON.stringify(body) })

/** A form's fields go as a form, any other object as JSON. */
export function post(path, body) {
  if (body === undefined || body instanceof URLSearchParams)
    return send('POST', path, { headers: SHOWN, body })
  return send('POST', path, { headers: { ...SHOWN, ...JSON_BODY }, body: JSON.stringify(body) })
}
