/** One request to the demo's server: always resolves, to what the log needs. `body` is the answer's own text. */
async function send(method, path, options = {}) {
  const began = performance.now()
  const request = `${method} ${path}`
  try {
    const response = await fetch(path, { method, ...options })
    const body = await response.text()
    return { request, ok: response.ok, status: response.status, ms: performance.now() - began, body }
  } catch {
    const body = '连不上服务器 / the server cannot be reached'
    return { request, ok: false, status: 0, ms: performance.now() - began, body }
  }
}

export const get = (path) => send('GET', path)

/** A form's fields go as a form, any other object as JSON. */
export function post(path, body) {
  if (body === undefined || body instanceof URLSearchParams) return send('POST', path, { body })
  return send('POST', path, { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
}
