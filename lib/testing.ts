import { need } from './errors'
import type { Sessions } from './manager/sessions'
import type { Known, Stored } from './session-data'

/**
 * Stores a session and returns the `Cookie` header of a browser that has it, so that tests can start with a user
 * logged in. There is no request: the options `genid` and `beforeSave` get one with empty `headers` and nothing else.
 *
 * @param sessions - the middleware that the application uses, from `session()`
 * @throws SessionError `ERR_SESSION_OPTIONS` for something else, such as the application
 * @example
 * ```ts
 * const cookie = await testCookie(sessions, { userId: 'ann' })
 * await request(app).get('/cart').set('Cookie', cookie).expect(200)
 * ```
 */
export async function testCookie<Data extends object, Given extends Stored<Data>>(
  sessions: Pick<Sessions<Data>, 'create'>,
  data: Known<Given, Stored<Data>>
): Promise<string> {
  const given: Partial<typeof sessions> | undefined = sessions
  need(
    given?.create,
    'testCookie takes what session() of holdfast returned, and neither the app nor the drop-in: export sessions beside the app'
  )
  return (await sessions.create<Given>(data)).cookie
}
