import type { ErrorRequestHandler, RequestHandler } from 'express'
import { SessionError } from '../lib/index'

/** The demo says no, and its message is for the client. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string
  ) {
    super(message)
  }
}

/** What is told to clients, by status. Never an error's own message: a JSON parser's quotes the password. */
const MESSAGES: Record<number, string> = {
  400: '请求内容有误 / the body is not what its content type says',
  409: '会话刚刚结束，请再试一次 / the session has just ended, try again',
  413: '请求内容过大 / the body is too large',
  503: '会话存储没有应答，请稍后再试 / the session store did not answer, try again later'
}

/** Everything that no route answers. */
export const notFound: RequestHandler = () => {
  throw new Refusal(404, '没有这个地址 / there is nothing here')
}

/** The last handler: each error becomes a status and `{"ok":0,"message":…}`; a stack trace never leaves. */
export const answerErrors: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error)
    return
  }
  const status = statusOf(error)
  if (status >= 500) console.error(status === 503 ? describe(error) : error)
  if (error instanceof SessionError && error.headers) res.set(error.headers)
  const message = error instanceof Refusal ? error.message : MESSAGES[status]
  res.status(status).json({ ok: 0, message: message ?? '服务器出错 / the server failed' })
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal || error instanceof SessionError) return error.status
  if (typeof error !== 'object' || error === null || !('status' in error)) return 500
  // What the body parsers refuse: too large is told apart, anything else is a body that is not what it says.
  if (error.status === 413) return 413
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500 ? 400 : 500
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`
}
