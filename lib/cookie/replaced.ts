import { warnOnce } from '../events'

/** So many are remembered: of visitors who are under way while an application is developed. */
const MOST = 1000

/** For values that the middlewares of this process have sent, the store that each one's session is in. */
const sent = new Map<string, object>()

/**
 * Says that a response takes away the cookie of a session in another store: two middlewares have one name, and each visit of
 * one logs out of the other. For development, as it remembers values.
 *
 * @param came - what the request carries under the name
 * @param value - what the response puts in its place
 */
export function warnOfReplaced(name: string, came: unknown, value: string, store: object): void {
  for (const one of [came].flat()) {
    const other = sent.get(String(one))
    if (!other || other === store) continue
    warnOnce(
      'HOLDFAST_COOKIE',
      `a response replaced the cookie named ${JSON.stringify(name)} of a session in another store: give each session() a name ` +
        'of its own, or a cookie.path that the other is not under'
    )
  }
  if (sent.size >= MOST) sent.clear()
  // As a header of an application's own carries it, and as a cookie does.
  sent.set(value, store).set(encodeURIComponent(value), store)
}
