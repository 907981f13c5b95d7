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

type Visitor = ReturnType<typeof request.agent>

export const login = { username: 'test', password: 'x' }

/** Logs somebody in, and resolves to the pair `sid=…`. */
export async function loginAt(url: string): Promise<string> {
  return cookieOf(await request(url).post('/users/login').send(login))
}

/** Sends the form with this name. */
export const sendForm = (visitor: Visitor, usr: string) =>
  visitor.post('/login').type('form').send({ usr, psd: 'x' })

/** Asks for the end of one of the visitor's devices. */
export const endDevice = (visitor: Visitor, handle: unknown) =>
  visitor.post('/users/devices/logout').send({ handle })

/** The answer when so many devices were logged out. */
export const ended = (count: number | null) => ({ ok: 1, message: '退出成功', ended: count })

export async function userOf(visitor: Visitor): Promise<string | null> {
  return ((await visitor.get('/users/getUser').expect(200)).body as { userinfo: string | null }).userinfo
}

/** Who has this cookie. */
export function userAt(url: string, cookie: string): Promise<string | null> {
  return userOf(request.agent(url).set('Cookie', cookie))
}
