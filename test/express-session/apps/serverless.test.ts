import { EventEmitter } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import express from 'express'
import { implementations, options, sessionOf, type SessionModule } from '../support/implementations'

function application(session: SessionModule) {
  const app = express()
  app.use(session(options))
  app.get('/', (req, res) => {
    sessionOf(req).user = 'bob'
    res.send('hello')
  })
  return app
}

function request(): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/' })
}

describe.each(implementations)('$name', ({ session }) => {
  test('an adapter for functions in the cloud, which waits for the end of the response, gets body and cookie', async () => {
    const req = request()
    const res = new ServerResponse(req)
    const sent: string[] = []
    const connection = new Writable({
      write(chunk: Buffer, _encoding, done) {
        sent.push(chunk.toString('latin1'))
        done()
      }
    })
    res.assignSocket(connection as unknown as Socket)
    const ended = new Promise<void>((resolve) => {
      // If the handler has ended the response by the time that it returns, the adapter takes what is there.
      const finished = () => resolve()
      res.once('finish', finished)
      application(session)(req as never, res as never)
      if (res.writableEnded) finished()
    })
    await ended
    expect(sent.join('')).toMatch(/set-cookie: connect\.sid=[^]*hello$/i)
  })

  test('a mock of a response without getRawHeaderNames is answered', async () => {
    const req = Object.assign(request(), { connection: {} })
    const headers: Record<string, unknown> = {}
    const body: string[] = []
    const mock = Object.assign(new EventEmitter(), {
      statusCode: 200,
      headersSent: false,
      writableEnded: false,
      getRawHeaderNames: () => undefined,
      setHeader: (name: string, value: unknown) => void (headers[name.toLowerCase()] = value),
      getHeader: (name: string) => headers[name.toLowerCase()],
      getHeaders: () => ({ ...headers }),
      getHeaderNames: () => Object.keys(headers),
      hasHeader: (name: string) => name.toLowerCase() in headers,
      removeHeader: (name: string) => delete headers[name.toLowerCase()],
      writeHead(this: { headersSent: boolean }) {
        this.headersSent = true
      },
      _implicitHeader(this: { writeHead(status: number): void }) {
        this.writeHead(200)
      },
      write: (chunk: string | Buffer) => body.push(chunk.toString()) > 0,
      end(
        this: EventEmitter & { headersSent: boolean; writableEnded: boolean },
        chunk: string | Buffer = ''
      ) {
        this.headersSent = this.writableEnded = true
        body.push(chunk.toString())
        this.emit('end')
      }
    })
    await new Promise((resolve, reject) => {
      mock.once('end', resolve)
      const middleware = session(options) as unknown as (
        req: object,
        res: object,
        next: (error?: Error) => void
      ) => void
      middleware(req, mock, (error) => {
        if (error) return reject(error)
        sessionOf(req).user = 'bob'
        mock.end('hello')
      })
    })
    expect(body.join('')).toBe('hello')
    expect(String(headers['set-cookie'])).toContain('connect.sid=')
  })
})
