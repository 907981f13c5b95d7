import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartError } from '../../demo/config'
import { keptSecret, passingSecret } from '../../demo/secret'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-demo-'))
  file = join(folder, '.demo-secret')
})
afterEach(() => rmSync(folder, { recursive: true }))

it('is another one each time where it is not kept', () => {
  expect(passingSecret().secret).not.toBe(passingSecret().secret)
  expect(Buffer.byteLength(passingSecret().secret)).toBeGreaterThanOrEqual(32)
})

it('stays the same where it is kept, for the eyes of this user only', () => {
  const { secret, told } = keptSecret(file)
  expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32)
  expect(keptSecret(file).secret).toBe(secret)
  expect(readFileSync(file, 'utf8').trim()).toBe(secret)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['.demo-secret'])
  expect(told).toContain(file)
  expect(told).not.toContain(secret)
})

it('closes a file that others could read', () => {
  const { secret } = keptSecret(file)
  chmodSync(file, 0o644)
  expect(keptSecret(file).secret).toBe(secret)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

it('says so where the file holds no secret, or cannot be kept', () => {
  writeFileSync(file, 'short\n')
  expect(() => keptSecret(file)).toThrow(StartError)
  expect(readFileSync(file, 'utf8')).toBe('short\n')
  expect(() => keptSecret(join(folder, 'missing', '.demo-secret'))).toThrow(/missing.*set SECRET/s)
})
