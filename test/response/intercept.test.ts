import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { intercept } from '../../lib/response/intercept'
import type { HoldableResponse } from '../../lib/response/response'

const RESPONSES = 500
const BYTES = 8 * 1024

function collector(): (options?: { type: 'minor' }) => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as (options?: { type: 'minor' }) => void
}

const ignore = () => undefined

function interceptOne(): void {
  const body = Array.from({ length: BYTES / 8 }, () => ({}))
  const res = { writeHead: ignore, flushHeaders: ignore, write: ignore, end: ignore, body }
  intercept(res as unknown as HoldableResponse, () => res.body)
}

// A busy server collects every few milliseconds, and copies each time what is still referred to.
it('nothing keeps a response beyond the first collection after it', () => {
  const collect = collector()
  for (let i = 0; i < RESPONSES; i++) interceptOne()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < RESPONSES; i++) interceptOne()
  collect({ type: 'minor' })
  const kept = (process.memoryUsage().heapUsed - before) / RESPONSES
  expect(kept).toBeLessThan(BYTES / 2)
})
