const STATUS = {
  /** An option is wrong. Thrown at start, or where the options are used. */
  ERR_SESSION_OPTIONS: 500,
  /** A handler used a lazy session before `await req.session.load()`. */
  ERR_SESSION_NOT_LOADED: 500,
  /** The store failed; whether a write was applied is unknown. */
  ERR_SESSION_STORE: 503,
  /**
   * The store did not answer within `timeout`, and whether a write was applied is unknown; or others kept the session busy for so
   * long, or changed it each time before, and the message says that nothing was written.
   */
  ERR_SESSION_TIMEOUT: 503,
  /** The session was destroyed, regenerated or expired while this request ran; nothing was written. */
  ERR_SESSION_GONE: 409,
  /** The session, or its cookie settings, cannot be stored or sent. */
  ERR_SESSION_DATA: 500,
  /** A session was created, or its cookie changed, after the response headers had gone: the cookie cannot be sent. */
  ERR_SESSION_HEADERS_SENT: 500
} as const

/** The stable codes of {@link SessionError}; compare these, never the messages. */
export type SessionErrorCode = keyof typeof STATUS

/**
 * The class of every error from Holdfast. The message says what happened and how to fix it; it never holds a session
 * id, a cookie value or a secret (OWASP ASVS 5.0, 16.2.5).
 */
export class SessionError extends Error {
  override readonly name = 'SessionError'
  /** A stable code to compare. {@link SessionErrorCode} lists them. */
  readonly code: SessionErrorCode
  /** The HTTP status for the response; Express's error handling uses it. */
  readonly status: number
  /** The same as `status`, under the other name that Express and Connect read. */
  readonly statusCode: number
  /** Headers that Express's own error handler adds to the response, such as `Retry-After` (RFC 9110, 10.2.3). */
  headers?: Record<string, string>

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.status = this.statusCode = STATUS[code]
  }
}

export function isTimeout(error: unknown): boolean {
  return error instanceof SessionError && error.code === 'ERR_SESSION_TIMEOUT'
}

/** Callbacks and `next` take a reason such as undefined for success; whoever throws it has failed all the same. */
export function asError(reason: unknown): unknown {
  if (reason) return reason
  const given = reason === '' ? "''" : String(reason)
  return new Error(
    `a function that was given to Holdfast failed with ${given} as its reason: throw an Error`,
    {
      cause: reason
    }
  )
}

/** @throws SessionError `ERR_SESSION_OPTIONS` unless it holds; the message names what was given, and the remedy. */
export function need(holds: unknown, message: string): asserts holds {
  if (!holds) throw new SessionError('ERR_SESSION_OPTIONS', message)
}

/**
 * Refuses a promise where nothing waits for one. Its rejection would end the process, as nobody else hears of it.
 *
 * @throws SessionError `ERR_SESSION_OPTIONS`
 */
export function refusePromise(promise: Promise<unknown>, option: string): never {
  promise.catch(() => undefined)
  throw new SessionError('ERR_SESSION_OPTIONS', `${option} must not be asynchronous: nothing waits for it`)
}

/**
 * Refuses an option that nobody knows: a misspelt one would silently be left at its default. So would what is no object.
 *
 * @param elsewhere - names that other libraries have for an option, each with what the message says of it
 * @throws SessionError `ERR_SESSION_OPTIONS`, which names the option that was probably meant.
 */
export function needKnown(
  owner: string,
  options: object,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {}
): void {
  const given: unknown = options
  need(
    typeof given === 'object' && given !== null && !Array.isArray(given),
    `${owner} takes an object, { ${known[0]} }`
  )
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const other = Object.keys(elsewhere).find((one) => one.toLowerCase() === name.toLowerCase())
    need(
      false,
      `${owner} has no option ${name}${other === undefined ? didYouMean(name, known) : `: ${elsewhere[other]!}`}`
    )
  }
}

/** Ends a message with the known name that takes the fewest edits to reach. It is empty if that takes many. */
export function didYouMean(name: string, known: readonly string[]): string {
  const [best] = known.map((one) => ({ one, edits: edits(name, one) })).sort((a, b) => a.edits - b.edits)
  return best && best.edits <= Math.max(1, best.one.length / 3) ? `, did you mean ${best.one}?` : ''
}

/** How many letters have to be added, dropped or replaced (Levenshtein), capitals aside. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...from.toLowerCase()].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...to.toLowerCase()].entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1)!
}
