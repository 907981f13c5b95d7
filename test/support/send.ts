import { once } from 'node:events'
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

/** What came back over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly setCookies: readonly string[]
  readonly text: string
}

export interface Sent {
  method?: string
  headers?: OutgoingHttpHeaders
  body?: string
  /** Default: a connection of its own. */
  agent?: Agent
}

/** One request. Rejects where the connection breaks before the answer is complete. */
export async function send(port: number, path: string, { body, ...sent }: Sent = {}): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, path, agent: false, ...sent })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) text += chunk as string
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    setCookies: response.headers['set-cookie'] ?? [],
    text
  }
}
