import type { RequestListener } from 'node:http'
import request from 'supertest'
import { createApp, type AppOptions } from '../../../demo/app'
import { atEnd } from '../../support/serve'
import { listen, portOf, stop } from '../../support/server'
import { cookieOf } from './cookie'

export const secret = 'what signs the cookies in the demo tests'

export interface Served {
  readonly url: string
  /** Stops it before the end of the test. */
  stop(): Promise<void>
}

/** Serves on a free port of 127.0.0.1, to the end of the test, or of the file if `beforeAll` calls it. */
export async function serve(listener: RequestListener): Promise<Served> {
  const server = atEnd(await listen(listener), stop)
  return { url: `http://127.0.0.1:${portOf(server)}`, stop: () => stop(server) }
}

/** The demo on a store. */
export function startDemo(options: Pick<AppOptions, 'store'> & Partial<AppOptions>): Promise<Served> {
  return serve(createApp({ secret, storeName: 'a store', ...options }) as RequestListener)
}

/** Logs somebody in, and resolves to the pair `sid=…`. */
export async function loginAt(url: string): Promise<string> {
  return cookieOf(await request(url).post('/users/login').send({ username: 'test', password: 'x' }))
}

/** Who has this cookie. */
export async function userAt(url: string, cookie: string): Promise<string | null> {
  const { body } = await request(url).get('/users/getUser').set('Cookie', cookie).expect(200)
  return (body as { userinfo: string | null }).userinfo
}
