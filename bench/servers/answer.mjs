/** Answers with a text, in the same manner on Express and on `node:http`: what a session costs does not depend on it. */
export function answer(res, body) {
  res.setHeader('Content-Type', 'text/plain')
  res.setHeader('Content-Length', Buffer.byteLength(body))
  res.end(body)
}
