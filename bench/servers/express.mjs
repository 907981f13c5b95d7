import { createServer } from 'node:http'
import express from 'express'
import { answer } from './answer.mjs'
import { pagesOf } from './pages.mjs'

export async function expressServer(library) {
  const app = express()
  if (library.middleware) app.use(library.middleware)
  for (const [path, page] of Object.entries(pagesOf(library, answer))) app.get(path, page)
  return createServer(app)
}
