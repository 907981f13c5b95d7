import { EventEmitter } from 'node:events'
import serverlessExpress from '@codegenie/serverless-express'
import express from 'express'
import { createRequest, createResponse } from 'node-mocks-http'
import { count, implementations, options, type SessionModule } from '../support/implementations'

function application(session: SessionModule) {
  const app = express()
  app.use(session(options))
  app.get('/', (req, res) => void res.send(`visit ${count(req)}`))
  return app
}

/** What a function in the cloud is given for `GET /`, and what it gives back. */
const event = (cookies: string[]) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: '/',
  rawQueryString: '',
  headers: { host: 'functions.example' },
  cookies,
  requestContext: { http: { method: 'GET', path: '/', sourceIp: '127.0.0.1' } },
  isBase64Encoded: false
})
interface Given {
  readonly statusCode: number
  readonly body: string
  readonly cookies?: string[]
}

describe.each(implementations)('$name', ({ session }) => {
  test('serverless-express, which takes a response for complete when its handler has ended it, gets body and cookie', async () => {
    // Its types need those of the cloud.
    const handle = serverlessExpress({ app: application(session) }) as (event: object) => Promise<Given>
    const visit = (cookies: string[] = []) => handle(event(cookies))
    const first = await visit()
    expect([first.statusCode, first.body]).toEqual([200, 'visit 1'])
    const cookies = first.cookies!.map((line) => line.split(';')[0]!)
    expect(cookies).toEqual([expect.stringMatching(/^connect\.sid=/)])
    expect((await visit(cookies)).body).toBe('visit 2')
  })

  test('node-mocks-http is given the page and the cookie of an app that it calls', async () => {
    const app = application(session)
    const visit = async (cookie?: string) => {
      const req = createRequest({ method: 'GET', url: '/', headers: cookie ? { cookie } : {} })
      const res = createResponse({ req, eventEmitter: EventEmitter })
      const ended = new Promise((resolve) => res.once('end', resolve))
      app(req, res)
      await ended
      return { status: res.statusCode, text: res._getData() as string, header: res.getHeader('set-cookie') }
    }
    const first = await visit()
    expect([first.status, first.text]).toEqual([200, 'visit 1'])
    const [cookie] = String(first.header).split(';')
    expect(cookie).toMatch(/^connect\.sid=/)
    expect((await visit(cookie)).text).toBe('visit 2')
  })
})
