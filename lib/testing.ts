import type { Sessions } from './manager/sessions'
import type { Known, Stored } from './session-data'

/**
 * A stored session, as the header `Cookie` of a browser that has it: an application's tests begin where its users are logged
 * in.
 *
 * @param sessions - what `session()` gave, and the application uses
 * @example
 * ```ts
 * const cookie = await testCookie(sessions, { userId: 'ann' })
 * await request(app).get('/cart').set('Cookie', cookie).expect(200)
 * ```
 */
export async function testCookie<Data extends object, Given extends Stored<Data>>(
  sessions: Pick<Sessions<Data>, 'create'>,
  data: Known<Given, Data>
): Promise<string> {
  return (await sessions.create<Given>(data)).cookie
}
