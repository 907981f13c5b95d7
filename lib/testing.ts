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
export async function testCookie<Data extends object>(
  sessions: { create(data: Data): Promise<{ readonly cookie: string }> },
  data: NoInfer<Data>
): Promise<string> {
  return (await sessions.create(data)).cookie
}
