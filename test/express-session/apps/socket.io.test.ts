import { once } from 'node:events'
import express from 'express'
import { Server, type Socket } from 'socket.io'
import { io as connect } from 'socket.io-client'
import { WebSocket } from 'ws'
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

describe.each(implementations)('socket.io with $name', ({ session }) => {
  test.each([
    ['polling and websocket', ['polling', 'websocket']],
    ['polling alone', ['polling']],
    ['websocket alone', ['websocket']]
  ])('by %s, a socket has the session of its browser', async (_, transports) => {
    const { browser, talk } = await open(session)
    await browser.post('/login')
    const ask = talk(browser, transports)
    expect(await ask('whoami')).toBe('ann')
    expect(await ask('count')).toBe(1)
    expect(await ask('count')).toBe(2)
    expect(await browser.json('/count')).toBe(3)
    expect(await ask('count')).toBe(4)
    expect(await browser.json('/whoami')).toBe('ann')
  })

  test('a socket hears of a logout when it reloads', async () => {
    const { browser, talk } = await open(session)
    await browser.post('/login')
    const ask = talk(browser, ['websocket'])
    expect(await ask('count')).toBe(1)
    await browser.post('/logout')
    expect(await ask('count')).toBe('failed to load session')
  })

  test('by websocket alone, a visitor without a session gets its cookie with the handshake', async () => {
    const { browser, sockets } = await open(session, { saveUninitialized: true })
    const connected = once(sockets, 'connection')
    const client = new WebSocket(`ws://127.0.0.1:${browser.port}/socket.io/?EIO=4&transport=websocket`)
    atEnd(client, (it) => it.terminate())
    const [response] = await once(client, 'upgrade')
    const [cookie] = (response.headers['set-cookie'] as string[]) ?? []
    browser.cookie = /^connect\.sid=([^;]*)/.exec(cookie!)![1]!
    client.send('40') // a CONNECT packet for the main namespace
    const [socket] = (await connected) as [Socket]
    sessionOf(socket.request).user = 'bob'
    await new Promise((saved) => sessionOf(socket.request).save(saved))
    expect(await browser.json('/whoami')).toBe('bob')
  })

  test('by polling, a visitor without a session gets its cookie with the first answer', async () => {
    const { browser } = await open(session, { saveUninitialized: true })
    const { setCookies } = await browser.get('/socket.io/?EIO=4&transport=polling')
    expect(setCookies).toEqual([expect.stringMatching(/^connect\.sid=s%3A/)])
    await browser.get('/count')
    expect(await browser.json('/count')).toBe(2)
  })
})

/** An application whose pages and sockets share one middleware. */
async function open(session: SessionModule, more: object = {}) {
  const app = express()
  const middleware = session({ ...options, ...more })
  app.use(middleware)
  addPages(app)
  const server = await serve(app)
  const browser = new Browser(portOf(server), 'connect.sid')
  const sockets = atEnd(new Server(server), (it) => it.close())
  sockets.engine.use(middleware)
  sockets.on('connection', answer)
  return { browser, sockets, talk }
}

/** As in socket.io's guide: the request of the handshake is kept, so its session is read again each time. */
function answer(socket: Socket): void {
  const { request } = socket
  socket.on('whoami', (reply: (text: unknown) => void) => reply(sessionOf(request).user))
  socket.on('count', (reply: (result: unknown) => void) => {
    sessionOf(request).reload((error) => {
      if (error) return reply((error as Error).message)
      const counted = count(request)
      sessionOf(request).save((failed) => reply(failed ? 'not saved' : counted))
    })
  })
}

/** Opens a socket with the cookies of the browser. */
function talk(browser: Browser, transports: string[]): (question: string) => Promise<unknown> {
  const headers = { cookie: browser.cookies.header }
  const client = connect(`http://127.0.0.1:${browser.port}`, {
    ...{ transports, extraHeaders: headers, forceNew: true, reconnection: false }
  })
  atEnd(client, (it) => it.disconnect())
  return (question) => client.emitWithAck(question)
}
