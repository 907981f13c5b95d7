/**
 * The cases. `cookie`: what the requests bring, nothing (`none`), an id whose signature is wrong (`forged`), or the
 * connection's own session (`own`), or one session for all (`shared`). `size`: the session's, see content.mjs. `quick`: measured by `--quick` as well.
 */
const DEFAULTS = { path: '/untouched', cookie: 'own', size: 'small', connections: 32, share: 1 }

export const CASES = [
  { name: 'no cookie', cookie: 'none', quick: true },
  { name: 'forged cookie', cookie: 'forged', quick: true },
  { name: 'verified, untouched', quick: true },
  { name: 'untouched, 40 other cookies', others: 40 },
  { name: 'read', path: '/read', body: 'test', quick: true },
  { name: 'change', path: '/change', quick: true },
  { name: 'login', path: '/login', newCookie: true, quick: true },
  { name: 'change of one session', path: '/hit', cookie: 'shared', quick: true },
  { name: 'update', path: '/update', library: 'holdfast' },
  { name: 'read of 10 KiB', path: '/read', body: 'test', size: 'medium', share: 0.5 },
  { name: 'change of 10 KiB', path: '/change', size: 'medium', share: 0.5 },
  { name: 'read of 100 KiB', path: '/read', body: 'test', size: 'large', share: 0.25, quick: true },
  { name: 'change of 100 KiB', path: '/change', size: 'large', share: 0.25 },
  { name: 'read, 1 connection', path: '/read', body: 'test', connections: 1, share: 0.5, quick: true },
  { name: 'read, 256 connections', path: '/read', body: 'test', connections: 256 }
].map((one) => ({ ...DEFAULTS, body: 'ok', ...one }))

/** The case of this name. */
export function caseNamed(name) {
  const found = CASES.find((one) => one.name === name)
  if (!found) throw new Error(`no case ${name}: ${CASES.map((one) => one.name).join('; ')}`)
  return found
}

/** Whether a subject takes part in a case. */
export function takesPart(subject, { library }) {
  return !library || !subject.library || subject.library === library
}
