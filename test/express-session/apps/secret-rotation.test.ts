import { sign } from 'cookie-signature'
import { both, Site, visits } from '../support/both'

const OLD = 'the secret of yesterday, long enough for anybody'
const NEW = 'the secret of today, which is just as long as it'

/** As a rotator does that keeps its array: emptied, and filled anew. */
function rotate(secrets: string[], ...now: string[]): void {
  secrets.length = 0
  secrets.push(...now)
}

test.each(both)('%s: a secret array that is rotated in place counts as it is now', async (_name, session) => {
  const secret = [OLD]
  const site = await Site.of(session, { secret }, visits)
  await site.get()
  rotate(secret, NEW, OLD)
  expect((await site.get()).text).toBe('2')

  const { id } = site
  const cookie = (by: string) => ({ cookie: `connect.sid=${encodeURIComponent(`s:${sign(id, by)}`)}` })
  expect((await site.get('/', cookie(NEW))).text).toBe('3')
  rotate(secret, NEW)
  expect((await site.get('/', cookie(OLD))).text).toBe('1')
  expect((await site.get('/', cookie(NEW))).text).toBe('4')

  site.cookies.clear()
  await site.get()
  expect(decodeURIComponent(site.cookie)).toBe(`s:${sign(site.id, NEW)}`)
})
