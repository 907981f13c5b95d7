import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import express, { type Request, type Response } from 'express'
import { WebSocket, WebSocketServer } from 'ws'
import { Browser } from '../../support/browser'
import { atEnd, serve } from '../../support/serve'
import { portOf } from '../../support/server'
import {
  addPages,
  count,
  implementations,
  options,
  sessionOf,
  type SessionModule
} from '../support/implementations'

describe.each(implementations)('ws with $name', ({ session }) => {
  test('the session of a request to upgrade says who it is', async () => {
    const browser = await open(session)
    await browser.post('/login')
    const ask = await talk(browser)
    expect(await ask('whoami')).toBe('ann')
  })

  test('without a session, or with a forged one, there is no socket', async () => {
    const browser = await open(session)
    await expect(talk(browser)).rejects.toThrow('401')
    await browser.post('/login')
    browser.cookie = browser.cookie.replace(/.{4}$/, 'AAAA')
    await expect(talk(browser)).rejects.toThrow('401')
  })

  test('save and reload work as long as the socket is open', async () => {
    const browser = await open(session)
    await browser.post('/login')
    const ask = await talk(browser)
    expect(await ask('count')).toBe('1')
    expect(await browser.json('/count')).toBe(2)
    expect(await ask('count')).toBe('3')
    expect(await browser.json('/count')).toBe(4)
    expect(await ask('whoami')).toBe('ann')
  })

  test('a logout on another way is seen', async () => {
    const browser = await open(session)
    await browser.post('/login')
    const ask = await talk(browser)
    await browser.post('/logout')
    expect(await ask('count')).toBe('failed to load session')
  })

  test('a response that has nothing but end is enough', async () => {
    const browser = await open(session, { end: () => undefined })
    await browser.post('/login')
    const ask = await talk(browser)
    expect(await ask('count')).toBe('1')
    expect(await browser.json('/count')).toBe(2)
  })
})

/** As in the example of ws: the middleware runs by hand on the request to upgrade. */
async function open(session: SessionModule, response: object = {}): Promise<Browser> {
  const middleware = session(options)
  const app = express()
  app.use(middleware)
  addPages(app)
  const server = await serve(app)
  const sockets = atEnd(new WebSocketServer({ noServer: true }), (it) => it.close())
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    middleware(request as Request, Object.assign({}, response) as Response, () => {
      if (!sessionOf(request).user) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
      sockets.handleUpgrade(request, socket, head, (client) => {
        client.on('message', (question) =>
          answer(request, (question as Buffer).toString(), (text) => client.send(text))
        )
      })
    })
  })
  return new Browser(portOf(server), 'connect.sid')
}

function answer(request: IncomingMessage, question: string, reply: (text: string) => void): void {
  if (question === 'whoami') return reply(String(sessionOf(request).user))
  sessionOf(request).reload((error) => {
    if (error) return reply((error as Error).message)
    const counted = count(request)
    sessionOf(request).save((failed) => reply(failed ? 'not saved' : String(counted)))
  })
}

async function talk(browser: Browser): Promise<(question: string) => Promise<string>> {
  const headers = { cookie: browser.cookies.header }
  const client = atEnd(new WebSocket(`ws://127.0.0.1:${browser.port}`, { headers }), (it) => it.terminate())
  await once(client, 'open')
  return async (question) => {
    client.send(question)
    const [text] = (await once(client, 'message')) as [Buffer]
    return text.toString()
  }
}
