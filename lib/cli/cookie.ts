import { trimmed, readCookies } from '../cookie/cookie-header'
import { createSigner, isId } from '../cookie/signature'
import { Seal, type Sealed } from '../stores/seal'
import { UsageError } from './outcome'

/** A cookie as it was copied from a browser, a log, or a header. */
export interface Given {
  readonly name: string
  readonly value: string
}

/**
 * The cookie in what was given: its value, `name=value`, or a whole `Cookie` header. Of several the one called `name`
 * counts, of a single one its own name does where none is asked for.
 */
export function findCookie(given: string, name?: string): Given {
  const header = given.trim().replace(/^cookie:/i, '')
  const equals = header.indexOf('=')
  if (equals === -1) return { name: name ?? 'sid', value: header }
  const isOne = !header.includes(';')
  const wanted = name ?? (isOne ? trimmed(header, 0, equals) : 'sid')
  const values = readCookies(header, wanted)
  if (values.length === 1) return { name: wanted, value: values[0]! }
  throw new UsageError(
    values.length === 0
      ? `there is no cookie ${wanted} in it: --name says what yours is called`
      : `there are several cookies ${wanted} in it: give the value of one`
  )
}

/** The result of verifying a cookie's value; `secret` is the number of the right one, counted from 1. */
export type Verdict =
  | { readonly kind: 'signed'; readonly secret: number; readonly id: string }
  | { readonly kind: 'sealed'; readonly secret: number; readonly sealed: Sealed }
  | { readonly kind: 'unsigned'; readonly id: string }
  | { readonly kind: 'wrong'; readonly why: string }

/**
 * Whether a cookie is genuine.
 *
 * @param unsigned - a bare id counts, as it does with the option `signed: false`
 */
export function judge({ name, value }: Given, secrets: readonly string[], unsigned: boolean): Verdict {
  for (const [index, secret] of secrets.entries()) {
    const id = createSigner([secret], name).verify(value)?.id
    if (id !== undefined) return { kind: 'signed', secret: index + 1, id }
    const sealed = new Seal([secret], name).open(value)
    if (sealed) return { kind: 'sealed', secret: index + 1, sealed }
  }
  if (unsigned && isId(value)) return { kind: 'unsigned', id: value }
  return { kind: 'wrong', why: whyWrong({ name, value }, secrets.length) }
}

function whyWrong({ name, value }: Given, secrets: number): string {
  const none = secrets === 1 ? 'the secret did not' : `none of the ${secrets} secrets did`
  if (/^s(:|%3A)/i.test(value))
    return `${none} sign it for the name ${name} (--name), or it was changed since`
  if (!/^[\w-]+$/.test(value)) return 'this is no session cookie'
  return `it is not signed (--unsigned takes a bare id), and ${none} seal it for the name ${name} (--name)`
}
