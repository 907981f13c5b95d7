import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import session from 'express-session'
import withSession from 'session-file-store'
import { suite } from './suite'

suite('session-file-store', async () => {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-sessions-'))
  // A file that is not there is read again, several times; once is enough here.
  const retry = { retries: 1, minTimeout: 1, maxTimeout: 1 }
  const store = new (withSession(session))({ path, ...retry, reapInterval: -1, logFn: () => undefined })
  return {
    store,
    pass: async (id, ms, age) => {
      const file = join(path, `${id}.json`)
      const stored = JSON.parse(age(await readFile(file, 'utf8'))) as { __lastAccess: number }
      await writeFile(file, JSON.stringify({ ...stored, __lastAccess: stored.__lastAccess - ms }))
    },
    close: () => rm(path, { recursive: true })
  }
})
