import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import { WebSocket } from 'ws'
import { MemoryStore, type Store } from '../../lib'
import { RedisStore } from '../../lib/redis'
import { startRedis, type RedisServer } from '../support/redis-server'
import { createChat as createSocketIoChat } from './examples/socket-io'
import { createChat as createWsChat } from './examples/ws'

let redis: RedisServer
const ends: (() => unknown)[] = []

beforeAll(async () => {
  process.env.SECRET = 'a secret of thirty-two bytes or more'
  redis = await startRedis()
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
afterAll(() => redis.stop())

/** Two servers that share their sessions: one is talked to by HTTP, the other one by sockets. */
const pairs: [name: string, make: () => [Store, Store]][] = [
  [
    'one process',
    () => {
      const store = new MemoryStore()
      ends.push(() => store.close())
      return [store, store]
    }
  ],
  [
    'two processes with one Redis',
    () => {
      const stores = [RedisStore.connect(redis.url), RedisStore.connect(redis.url)] as const
      for (const store of stores) ends.push(() => store.close())
      return [...stores]
    }
  ]
]

async function start(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function open(make: () => [Store, Store], create: (store: Store) => Server) {
  const [http, sockets] = await Promise.all(make().map((store) => start(create(store))))
  let cookie = ''
  const post = async (path: string, body: object = {}): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${http}${path}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
    return answer.text()
  }
  return { post, port: sockets!, headers: (more = {}) => ({ ...(cookie && { cookie }), ...more }) }
}

describe.each(pairs)('ws, %s', (_, make) => {
  function connect(port: number, headers: object): WebSocket {
    const ws = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { ...headers } })
    ends.push(() => ws.terminate())
    return ws
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
    const socket = io(`http://127.0.0.1:${port}`, options)
    ends.push(() => socket.disconnect())
    return socket
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
