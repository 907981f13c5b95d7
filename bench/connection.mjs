import { connect } from 'node:net'
import { once } from 'node:events'

const HEAD_END = '\r\n\r\n'

/** A keep-alive connection that asks one thing at a time. */
export class Connection {
  #socket
  #answer
  #received = ''

  static async open(port) {
    const connection = new Connection()
    const socket = connect(port, '127.0.0.1').setNoDelay().setEncoding('latin1')
    connection.#socket = socket
    socket.on('data', (text) => connection.#receive(text))
    socket.on('error', () => undefined)
    socket.on('close', () => connection.#answer?.reject(new Error('a server closed a connection')))
    await once(socket, 'connect')
    return connection
  }

  /** @returns the status, the body, and the cookies that were set, as the header of the next request */
  get(path, cookie) {
    if (this.#socket.destroyed) return Promise.reject(new Error('a server closed a connection'))
    const lines = [`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', ...(cookie ? [`Cookie: ${cookie}`] : [])]
    this.#socket.write(lines.join('\r\n') + HEAD_END)
    return new Promise((resolve, reject) => (this.#answer = { resolve, reject }))
  }

  close() {
    this.#answer = undefined
    this.#socket.destroy()
  }

  #receive(text) {
    const received = (this.#received += text)
    const end = received.indexOf(HEAD_END)
    if (end < 0) return
    const head = received.slice(0, end)
    const body = received.slice(end + HEAD_END.length)
    const length = /^content-length: (\d+)/im.exec(head)
    if (!length) return this.#answer.reject(new Error(`no Content-Length: ${head}`))
    if (body.length < Number(length[1])) return
    this.#received = ''
    const cookies = [...head.matchAll(/^set-cookie: ([^;\r]+)/gim)].map(([, pair]) => pair)
    this.#answer.resolve({ status: Number(head.slice(9, 12)), body, cookie: cookies.join('; ') })
  }
}
