import { createServer } from 'node:http'
import { answer } from './answer.mjs'
import { pagesOf } from './pages.mjs'

/** A server of `node:http` that knows the pages by their path. */
export async function httpServer(library) {
  const pages = pagesOf(library, answer)
  const { middleware } = library
  return createServer((req, res) => {
    if (!middleware) return handle(req, res)
    middleware(req, res, (error) => (error ? fail(res, error) : handle(req, res)))
  })

  function handle(req, res) {
    pages[req.url.split('?', 1)[0]](req, res).catch((error) => fail(res, error))
  }
}

function fail(res, error) {
  console.error(error)
  res.writeHead(500).end()
}
