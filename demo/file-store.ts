import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DestroyResult, SetResult, Store } from '../lib/index'

/**
 * Keeps each session in a file of its own: the time when its life is over, a line break, the text. For one process,
 * since what two processes do to one file at once is not compared.
 */
export class FileStore implements Store {
  readonly contract = 1
  #last: Promise<unknown> = Promise.resolve()

  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  }

  get(id: string, ttl?: number): Promise<string | null> {
    return this.#inTurn(id, async (file, kept) => {
      if (kept !== null && ttl !== undefined) await write(file, kept, ttl)
      return kept
    })
  }

  set(id: string, text: string, ttl: number, expected: string | null): Promise<SetResult> {
    return this.#inTurn(id, async (file, kept) => {
      if (expected === null ? kept !== null : !kept?.endsWith(expected)) return { conflict: kept }
      await write(file, text, ttl)
      return { id }
    })
  }

  touch(id: string, ttl: number): Promise<boolean> {
    return this.get(id, ttl).then((kept) => kept !== null)
  }

  destroy(id: string, expected = ''): Promise<DestroyResult> {
    return this.#inTurn(id, async (file, kept) => {
      if (kept !== null && !kept.endsWith(expected)) return { conflict: kept }
      await rm(file, { force: true })
      return kept !== null
    })
  }

  /** One call at a time. A name that is a hash is safe in every file system, and tells nobody the id. */
  #inTurn<T>(id: string, call: (file: string, kept: string | null) => Promise<T>): Promise<T> {
    const file = join(this.folder, createHash('sha256').update(id).digest('hex'))
    const turn = this.#last.then(async () => call(file, await read(file)))
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

async function read(file: string): Promise<string | null> {
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    // No such file is an answer, all else is a failure.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  })
  const end = content.indexOf('\n')
  return Number(content.slice(0, end)) > Date.now() ? content.slice(end + 1) : null
}

/** A crash leaves the old file or the new one, never half of one. */
async function write(file: string, text: string, ttl: number): Promise<void> {
  await writeFile(`${file}.new`, `${Date.now() + ttl}\n${text}`, { mode: 0o600, flush: true })
  await rename(`${file}.new`, file)
}
