/** The result of a command, to be printed in one of two ways. */
export interface Outcome {
  /** For people, without the last line break. */
  readonly text: string
  /** For programs, as JSON. */
  readonly json: unknown
  /** Whether the answer is yes: it verifies, it was found. The exit status is 0, else 1. */
  readonly found: boolean
  /** For the standard error: a danger that has nothing to do with the answer. */
  readonly warning?: string | undefined
}

/** The options on the command line. */
export interface Values {
  readonly json?: boolean
  readonly name?: string
  readonly unsigned?: boolean
  readonly handle?: string
  readonly prefix?: string
}

/** The source of secrets, which must not be arguments: others see those in the list of processes. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Buffer | string>
}

/** The command was called in a wrong way, or cannot do its work here; the message says what to do. */
export class UsageError extends Error {}
