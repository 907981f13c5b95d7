import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { FileStore } from '../../demo/file-store'
import { storeTests } from '../../lib/store-tests'
import { cookieOf, idOf } from './support/cookie'
import { startDemo } from './support/demo'

const MINUTE = 60_000

const folder = mkdtempSync(join(tmpdir(), 'holdfast-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

let folders = 0
const newStore = (): FileStore => new FileStore(join(folder, `${folders++}`))

/** A file lies where the folder was: nothing in it can be read, and that is no answer. */
function unreachable(): FileStore {
  const store = newStore()
  rmSync(store.folder, { recursive: true })
  writeFileSync(store.folder, '')
  return store
}

describe('keeps the contract', () => {
  for (const { name, run } of storeTests(newStore, { unreachable })) test(name, run)
})

test('another store on the same folder, as after a restart, finds what was kept', async () => {
  const store = newStore()
  await store.set('id', 'kept', MINUTE, null)
  expect(await new FileStore(store.folder).get('id')).toBe('kept')
})

test('the folder tells nobody an id, and nobody else may read it', async () => {
  const store = newStore()
  await store.set('secret-id', 'kept', MINUTE, null)
  const [name, ...others] = readdirSync(store.folder)
  expect(others).toEqual([])
  expect(name).toMatch(/^[0-9a-f]{64}$/)
  expect(statSync(join(store.folder, name!)).mode & 0o777).toBe(0o600)
  expect(statSync(store.folder).mode & 0o777).toBe(0o700)
})

test('what a crash left half written is nothing, and in nobody’s way', async () => {
  const store = newStore()
  await store.set('id', 'kept', MINUTE, null)
  const file = join(store.folder, readdirSync(store.folder)[0]!)
  writeFileSync(`${file}.new`, 'half')
  expect(await store.set('id', 'next', MINUTE, 'kept')).toEqual({ id: 'id' })
  expect(readdirSync(store.folder)).toHaveLength(1)
})

test('a call that fails does not hold up the next one', async () => {
  const store = newStore()
  rmSync(store.folder, { recursive: true })
  await expect(store.set('id', 'kept', MINUTE, null)).rejects.toThrow('ENOENT')
  const again = new FileStore(store.folder)
  expect(await again.set('id', 'kept', MINUTE, null)).toEqual({ id: 'id' })
  expect(await store.get('id')).toBe('kept')
})

test('the demo runs on it', async () => {
  const store = newStore()
  const demo = await startDemo({ store })
  const cookie = cookieOf(await request(demo.url).get('/count'))
  const counts = Array.from({ length: 10 }, () => request(demo.url).get('/count').set('Cookie', cookie))
  await Promise.all(counts)
  expect(JSON.parse((await store.get(idOf(cookie)))!)).toMatchObject({ count: 11 })
})
