import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { StartError } from './config'

const newSecret = (): string => randomBytes(32).toString('base64url')

/** A secret, and how it came about, in words for the console. */
export interface Secret {
  secret: string
  told: string
}

/** A secret that ends with this process; enough where the sessions do, too. */
export function passingSecret(): Secret {
  return { secret: newSecret(), told: 'made for this start; set SECRET to choose one' }
}

/**
 * The secret kept in `file`, made at the first start, so that restarting the demo logs nobody out. Only this user may
 * read it (mode 0600). Two demos that start at once agree on one.
 *
 * @throws StartError when the file cannot be kept, or what it holds is no secret.
 */
export function keptSecret(file: string): Secret {
  const draft = `${file}.${randomUUID()}`
  try {
    writeFileSync(draft, `${newSecret()}\n`, { mode: 0o600, flag: 'wx' })
    // A link appears with its whole content or not at all, and never replaces a file.
    linkSync(draft, file)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw new StartError(`Cannot keep a secret in ${file}, set SECRET (${codeOf(error)})`)
  } finally {
    rmSync(draft, { force: true })
  }
  chmodSync(file, 0o600)
  const secret = readFileSync(file, 'utf8').trim()
  if (Buffer.byteLength(secret) < 32)
    throw new StartError(`${file} holds no secret of 32 bytes: delete it, or set SECRET`)
  return { secret, told: `kept in ${file}, so that a restart logs nobody out; set SECRET to choose one` }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
}
