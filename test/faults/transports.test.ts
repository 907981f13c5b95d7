import { once } from 'node:events'
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import compression from 'compression'
import session from '../../lib'
import { type Protocol, TestServer } from '../support/hold-http'
import { send } from '../support/send'
import { secret } from './support/app'
import { REQUESTS, Rig } from './support/rig'

/** Above the threshold of compression. */
const BODY = 'a line of text that is the same all over\n'.repeat(1000)

type Next = (error?: { status?: number }) => void
type Layer = (req: IncomingMessage, res: ServerResponse, next: Next) => unknown
/** The status of each request and whether its body came as a whole; 0: there was no answer. */
type Ask = (port: number, cookie: string, paths: string[]) => Promise<number[]>

const statusOf = (status: number, text: string): number => {
  if (status === 200) expect(text).toBe(BODY)
  return status
}

const keepAlive: Ask = async (port, cookie, paths) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  try {
    const headers = { cookie }
    const answers = await Promise.all(paths.map((path) => send(port, path, { headers, agent })))
    return answers.map(({ status, text }) => statusOf(status, text))
  } finally {
    agent.destroy()
  }
}

const pipelined: Ask = async (port, cookie, paths) => {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  for (const [i, path] of paths.entries()) {
    const last = i === paths.length - 1 ? 'Connection: close\r\n' : ''
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n${last}\r\n`)
  }
  let text = ''
  for await (const chunk of socket) text += chunk as string
  const answers = text.split(/^HTTP\/1.1 /m).slice(1)
  return answers.map((answer) => statusOf(Number(answer.slice(0, 3)), answer.split('\r\n\r\n')[1]!))
}

const multiplexed: Ask = async (port, cookie, paths) => {
  const client = connectHttp2(`http://127.0.0.1:${port}`)
  try {
    return await Promise.all(
      paths.map(async (path) => {
        const stream = client.request({ ':path': path, cookie })
        const [headers] = (await once(stream, 'response')) as [{ ':status': number }]
        let text = ''
        for await (const chunk of stream.setEncoding('utf8')) text += chunk as string
        return statusOf(headers[':status'], text)
      })
    )
  } finally {
    client.close()
    await once(client, 'close')
  }
}

/** A client that asks for gzip, and takes it apart. */
const compressed: Ask = (port, cookie, paths) =>
  Promise.all(
    paths.map(async (path) => {
      const headers = { cookie, 'accept-encoding': 'gzip', connection: 'close' }
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      if (response.ok) expect(response.headers.get('content-encoding')).toBe('gzip')
      return statusOf(response.status, await response.text())
    })
  )

const zip = compression() as unknown as Layer
const ways: { name: string; protocol?: Protocol; before?: Layer[]; after?: Layer[]; ask: Ask }[] = [
  { name: 'HTTP/1.1 with keep-alive', ask: keepAlive },
  { name: 'HTTP/1.1 with pipelining', ask: pipelined },
  { name: 'HTTP/2', protocol: 'HTTP/2', ask: multiplexed },
  { name: 'compression in front', before: [zip], ask: compressed },
  { name: 'compression behind', after: [zip], ask: compressed }
]

const change: Layer = (req, res) => {
  const path = req.url ?? ''
  ;((req as { session?: unknown }).session as Record<string, unknown>)[path] = true
  res.setHeader('Content-Type', 'text/plain')
  res.setHeader('Content-Length', BODY.length)
  if (path.endsWith('0')) res.write(BODY.slice(0, 500))
  res.end(path.endsWith('0') ? BODY.slice(500) : BODY)
}

test.each(ways)('$name: no difference', async ({ protocol = 'HTTP/1.1', before = [], after = [], ask }) => {
  const rig = await Rig.open({ visitors: 2, args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const sessions = session({ secret, store: rig.opened.store }) as unknown as Layer
  const server = await TestServer.open(protocol, chain([...before, sessions, ...after, change]))
  /** All visitors at once, each with as many requests at once. */
  const everybody = (round: string) =>
    Promise.all(
      rig.visitors.map(async (visitor) => {
        const paths = Array.from({ length: REQUESTS / 10 }, (_, i) => `/${round}${i}`)
        const statuses = await ask(server.port, `sid=${visitor.cookie}`, paths)
        expect(statuses).toHaveLength(paths.length)
        for (const [i, status] of statuses.entries()) if (status === 200) visitor.acknowledged.add(paths[i]!)
        return statuses
      })
    )
  const statusesOf = async (round: string) => [...new Set((await everybody(round)).flat())]
  expect(await statusesOf('well')).toEqual([200])
  expect(await rig.audit()).toEqual([])

  const texts = await rig.texts()
  await rig.redis((redis) => redis.config('SET', 'maxmemory', '1'))
  expect(await statusesOf('refused')).toEqual([503])
  await rig.redis((redis) => redis.config('SET', 'maxmemory', '0'))
  expect(await rig.texts()).toEqual(texts)

  const asked = everybody('killed')
  await rig.server.kill()
  expect((await asked).flat().filter((status) => ![200, 503].includes(status))).toEqual([])
  await rig.server.start()
  await rig.recovered()
  expect(await rig.audit()).toEqual([])
  expect(await statusesOf('again')).toEqual([200])
  expect(await rig.audit()).toEqual([])
})

function chain(layers: Layer[]) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    let at = 0
    const next: Next = (error) => {
      if (!error) return void layers[at++]!(req, res, next)
      res.statusCode = error.status ?? 500
      res.end()
    }
    next()
  }
}
