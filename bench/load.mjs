import { performance } from 'node:perf_hooks'

const OTHERS = Array.from({ length: 40 }, (_, i) => `other_${i}=value-of-the-cookie-${i}`).join('; ')

/** The cookie of a session where there is no session library. */
const NO_SESSION = `sid=${'x'.repeat(87)}`

/** Begins a session of a size over each connection, and resolves to their cookies. */
export function beginSessions(connections, size) {
  return Promise.all(
    connections.map(async (connection) => {
      const { status, cookie } = await connection.get(`/begin/${size}`)
      if (status !== 200) throw new Error(`a session could not begin: ${status}`)
      return cookie || NO_SESSION
    })
  )
}

/**
 * Sends the requests of a case, as many at a time as there are connections, and resolves to how long each one took
 * in ms, and how many failed because a session was in too much demand. A case that gives out new cookies leaves them in `cookies`.
 */
export async function load(connections, cookies, testCase, requests) {
  const durations = []
  const shared = testCase.cookie === 'shared'
  let left = requests
  let failed = 0
  await Promise.all(
    connections.map(async (connection, i) => {
      const path = shared ? `${testCase.path}?key=${i}` : testCase.path
      while (left-- > 0) {
        const own = cookies[shared ? 0 : i]
        const began = performance.now()
        const { status, body, cookie } = await connection.get(path, header(own, testCase))
        durations.push(performance.now() - began)
        if (status === 503 && shared) failed++
        else if (status !== 200 || body !== testCase.body) {
          throw new Error(`${testCase.name}: ${status} ${body}, where 200 ${testCase.body} was expected`)
        }
        if (testCase.newCookie && cookie) cookies[i] = cookie
      }
    })
  )
  return { durations, failed }
}

function header(own, { cookie, others }) {
  if (cookie === 'none') return undefined
  if (cookie === 'forged') return forge(own)
  return others ? `${OTHERS}; ${own}` : own
}

/** Changes the last small letter: it is part of the signature, and never of an escape such as `%2B`. */
function forge(cookie) {
  return cookie.replace(/[a-z](?=[^a-z]*$)/, (letter) => letter.toUpperCase())
}
