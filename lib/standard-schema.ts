/**
 * The part of Standard Schema 1 (standardschema.dev) that checks data; schemas of zod, valibot, arktype and others
 * have it.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
  }
}

/** The result of a check: the schema's output, or the issues. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One value that does not fit, and the path to it. */
export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The first value that does not fit, and its place: `cart.0`; empty: the data as a whole. */
export interface Misfit {
  readonly key: string
  readonly message: string
}

/** Of what a schema finds, only what is there counts: a new session has none of its keys yet. */
export function misfit(issues: readonly StandardIssue[] = [], data: object): Misfit | undefined {
  for (const { path = [], message } of issues) {
    const names = path.map((part) => (typeof part === 'object' ? part.key : part))
    const isThere = names[0] === undefined || Object.hasOwn(data, names[0])
    if (isThere) return { key: names.map(String).join('.'), message }
  }
  return undefined
}
