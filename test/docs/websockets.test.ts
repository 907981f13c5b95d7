import { once } from 'node:events'
import type { Server } from 'node:http'
import { io, type Socket } from 'socket.io-client'
import { WebSocket } from 'ws'
import { MemoryStore, type Store } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { Browser } from '../support/browser'
import { openRedis } from '../support/redis'
import { atEnd } from '../support/serve'
import { portOf, stop } from '../support/server'
import { createChat as createSocketIoChat } from './examples/socket-io'
import { createChat as createWsChat } from './examples/ws'

const redis = openRedis()
beforeAll(() => void (process.env.SECRET = 'a secret of thirty-two bytes or more'))

/** Two servers that share their sessions: one is talked to by HTTP, the other one by sockets. */
const pairs: [name: string, make: () => [Store, Store]][] = [
  [
    'one process',
    () => {
      const store = atEnd(new MemoryStore(), (it) => it.close())
      return [store, store]
    }
  ],
  [
    'two processes with one Redis',
    () => {
      const connect = () => atEnd(RedisStore.connect(redis.url), (it) => it.close())
      return [connect(), connect()]
    }
  ]
]

async function start(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return portOf(atEnd(server, stop))
}

async function open(make: () => [Store, Store], create: (store: Store) => Server) {
  const [http, sockets] = await Promise.all(make().map((store) => start(create(store))))
  const browser = new Browser(http!)
  const post = (path: string, body: object = {}) => browser.call('POST', path, body)
  return { post, port: sockets!, headers: (more = {}) => ({ ...browser.cookies.headers, ...more }) }
}

describe.each(pairs)('ws, %s', (_, make) => {
  function connect(port: number, headers: object): WebSocket {
    return atEnd(new WebSocket(`ws://127.0.0.1:${port}`, { headers: { ...headers } }), (it) => it.terminate())
  }
  const refusal = async (ws: WebSocket) => String((await once(ws, 'error'))[0])

  test('a socket belongs to its session, and is closed when that ends', async () => {
    const { post, port, headers } = await open(make, createWsChat)
    await post('/login', { usr: 'ann' })
    const ws = connect(port, headers())
    await once(ws, 'open')
    for (const n of [1, 2]) {
      ws.send('hi')
      expect(String((await once(ws, 'message'))[0])).toBe(`ann ${n}: hi`)
    }
    const closed = once(ws, 'close')
    expect(await post('/logout')).toBe('bye')
    expect(await closed).toEqual([4401, Buffer.from('the session has ended')])
  })

  test('who is not logged in, and another site, get no socket', async () => {
    const { post, port, headers } = await open(make, createWsChat)
    expect(await refusal(connect(port, headers()))).toContain('401')
    await post('/login', { usr: 'ann' })
    expect(await refusal(connect(port, headers({ origin: 'https://elsewhere.example' })))).toContain('401')
    await once(connect(port, headers({ origin: `http://127.0.0.1:${port}` })), 'open')
  })
})

describe.each(pairs)('socket.io, %s', (_, make) => {
  function connect(port: number, headers: object): Socket {
    const options = { extraHeaders: { ...headers }, forceNew: true, reconnection: false }
    return atEnd(io(`http://127.0.0.1:${port}`, options), (it) => it.disconnect())
  }
  const event = (socket: Socket, name: string) => new Promise((resolve) => socket.once(name, resolve))

  test('a socket belongs to its session, and is disconnected when that ends', async () => {
    const { post, port, headers } = await open(make, createSocketIoChat)
    await post('/login', { usr: 'ann' })
    const socket = connect(port, headers())
    for (const n of [1, 2]) expect(await socket.emitWithAck('say', 'hi')).toBe(`ann ${n}: hi`)
    const disconnected = event(socket, 'disconnect')
    expect(await post('/logout')).toBe('bye')
    expect(await disconnected).toBe('io server disconnect')
  })

  test('who is not logged in gets no socket', async () => {
    const { port, headers } = await open(make, createSocketIoChat)
    expect(await event(connect(port, headers()), 'connect_error')).toMatchObject({ message: 'unauthorized' })
  })
})
