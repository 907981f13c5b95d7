import express, { Router, type RequestHandler } from 'express'
import { Refusal } from './errors'

const LONGEST_NAME = 64

/** Reads JSON and form bodies of up to 10 KiB; any other body is left out, and `nameIn` refuses the request. */
export const readBody: RequestHandler = Router().use(
  express.json({ limit: '10kb' }),
  express.urlencoded({ limit: '10kb', extended: false })
)

/**
 * The name in the body of a login, without surrounding spaces. The password beside it is not looked at: the demo
 * lets everybody in, and keeps, logs and sends back no password.
 *
 * @throws Refusal (400) when there is none, or what is there is no name.
 */
export function nameIn(body: unknown, field: string): string {
  if (typeof body !== 'object' || body === null) {
    throw new Refusal(400, '请发送 JSON 或表单 / send JSON or a form')
  }
  const value = Object.hasOwn(body, field) ? (body as Record<string, unknown>)[field] : undefined
  if (value === undefined) throw new Refusal(400, `缺少 ${field} / ${field} is missing`)
  if (typeof value !== 'string')
    throw new Refusal(400, `${field} 应为一个字符串 / ${field} should be one string`)

  const name = value.trim()
  if (name === '') throw new Refusal(400, `${field} 不能为空 / ${field} is empty`)
  if ([...name].length > LONGEST_NAME) {
    throw new Refusal(
      400,
      `${field} 最多 ${LONGEST_NAME} 个字符 / ${field} is longer than ${LONGEST_NAME} characters`
    )
  }
  // U+FFFD is what a decoder leaves where the bytes were no UTF-8.
  if (/[\p{Control}\p{Surrogate}\uFFFD]/u.test(name)) {
    throw new Refusal(400, `${field} 含有无效字符 / ${field} holds characters that no name has`)
  }
  return name
}
