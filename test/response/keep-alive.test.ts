import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { HeldApp, type Layer } from '../support/hold-app'
import { bounded, Signal } from '../support/hold-http'
import { atEnd } from '../support/serve'

/** Requests one behind the other on one connection, without waiting for answers. */
class Pipeline {
  #text = ''
  readonly #socket: Socket

  constructor(port: number, paths: readonly string[]) {
    this.#socket = atEnd(connect(port, '127.0.0.1').setEncoding('utf8'), (it) => it.destroy())
    this.#socket.on('data', (data: string) => (this.#text += data))
    this.#socket.on('error', () => undefined)
    for (const [index, path] of paths.entries()) {
      const last = index === paths.length - 1
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${last ? 'Connection: close\r\n' : ''}\r\n`)
    }
  }

  async until(part: string): Promise<void> {
    while (!this.#text.includes(part)) await bounded(once(this.#socket, 'data'), part)
  }

  /** All that came, until the server closed the connection. */
  async whole(): Promise<string> {
    if (!this.#socket.closed) await bounded(once(this.#socket, 'close'), 'the end of the connection')
    return this.#text
  }
}

/** Requests whose commits have all been asked for, and wait. */
async function holdAll(app: HeldApp, paths: readonly string[]) {
  const commits = paths.map(() => app.store.holdNext())
  const pipeline = new Pipeline(app.server.port, paths)
  for (const { asked } of commits) await asked.seen
  return { commits, pipeline }
}

/** The status and the body of each answer. */
function answersIn(text: string): string[] {
  return text
    .split('HTTP/1.1 ')
    .slice(1)
    .map((answer) => {
      const [head = '', ...body] = answer.split('\r\n\r\n')
      return `${head.slice(0, 3)} ${body.join('\r\n\r\n').trim()}`
    })
}

const change: Layer = (req, res, next) => {
  req.session.path = req.url
  res.setHeader('Content-Type', 'text/plain')
  next()
}
const body: Layer = (req, res) => {
  const text = `answer to ${req.url}`
  res.setHeader('Content-Length', text.length)
  if (req.url?.startsWith('/stream')) res.write(text)
  else return res.end(text)
  res.end()
}

describe.each(['Express 5', 'Connect'] as const)('keep-alive with pipelining on %s', (kind) => {
  it('answers in the order of the requests, whatever the order of the commits', async () => {
    const app = await HeldApp.open(kind, [change, body])
    const paths = ['/1', '/stream2', '/3', '/4']
    const { commits, pipeline } = await holdAll(app, paths)
    for (const { answer, done } of [...commits].reverse()) {
      answer.resolve()
      await done.seen
    }
    expect(answersIn(await pipeline.whole())).toEqual(paths.map((path) => `200 answer to ${path}`))
  })

  it('also where a held response becomes the first in line', async () => {
    const app = await HeldApp.open(kind, [change, body])
    const paths = ['/1', '/stream2', '/3']
    const { commits, pipeline } = await holdAll(app, paths)
    for (const [index, { answer }] of commits.entries()) {
      answer.resolve()
      // The answer is here before the next one is let go.
      await pipeline.until(`answer to ${paths[index]!}`)
    }
    expect(answersIn(await pipeline.whole())).toEqual(paths.map((path) => `200 answer to ${path}`))
  })

  it('answers each request by itself where the store says no', async () => {
    const app = await HeldApp.open(kind, [change, body], {
      onError: (error, _req, res) => {
        res.statusCode = error.status
        res.setHeader('Content-Length', 10)
        res.end('error page')
      }
    })
    const paths = ['/1', '/stream2', '/3', '/stream4', '/5']
    const { commits, pipeline } = await holdAll(app, paths)
    commits[4]!.answer.resolve()
    commits[3]!.answer.reject(new Error('down'))
    commits[1]!.answer.reject(new Error('down'))
    commits[2]!.answer.resolve()
    commits[0]!.answer.reject(new Error('down'))
    expect(answersIn(await pipeline.whole())).toEqual([
      '503 error page',
      '503 Service Unavailable',
      '200 answer to /3',
      '503 Service Unavailable',
      '200 answer to /5'
    ])
  })

  it('a response that has to be broken off takes those behind it along', async () => {
    const sent = new Signal('the first part')
    const app = await HeldApp.open(kind, async (req, res) => {
      req.session.path = req.url
      if (req.url !== '/2') return res.end(`answer to ${req.url}`)
      res.write('part')
      await sent.seen
      req.session.more = 1
      res.end('rest')
    })
    const pipeline = new Pipeline(app.server.port, ['/1', '/2', '/3'])
    await pipeline.until('part')
    const { asked, answer } = app.store.holdNext()
    sent.resolve()
    await asked.seen
    answer.reject(new Error('down'))
    const answers = await pipeline.whole()
    expect(answers).toContain('answer to /1')
    expect(answers).toContain('part')
    expect(answers).not.toContain('rest')
    expect(answers).not.toContain('answer to /3')
  })
})
