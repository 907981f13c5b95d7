// Eight requests of one visitor at once, each with a key of its own: how many keys does the session hold afterwards?
// From a clone of the project: npm run race. Set REDIS_URL for another Redis than the one on this machine.
const { once } = require('node:events')
const { RedisStore } = require('connect-redis')
const express = require('express')
const { createClient } = require('redis')

async function race(client, module) {
  const session = require(module)
  const app = express()
  const store = new RedisStore({ client, prefix: `race:${module}:` })
  app.use(
    session({
      secret: 'what signs the cookies of a race, and nothing else',
      resave: false,
      saveUninitialized: false,
      store
    })
  )
  app.post('/set/:key', (req, res) => {
    req.session[req.params.key] = true
    res.sendStatus(200)
  })
  app.get(
    '/count',
    (req, res) => void res.json('abcdefgh'.split('').filter((key) => req.session[key]).length)
  )
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const url = `http://127.0.0.1:${server.address().port}`
  const counts = []
  for (let round = 0; round < 20; round++) {
    const login = await fetch(`${url}/set/login`, { method: 'POST' })
    const headers = { cookie: login.headers.get('set-cookie').split(';')[0] }
    // A browser has its connections open already.
    await Promise.all([...'abcdefgh'].map(async () => (await fetch(`${url}/count`, { headers })).json()))
    const answers = [...'abcdefgh'].map((key) => fetch(`${url}/set/${key}`, { method: 'POST', headers }))
    for (const { status } of await Promise.all(answers))
      if (status !== 200) throw new Error(`status ${status}`)
    counts.push(await (await fetch(`${url}/count`, { headers })).json())
  }
  server.close()
  server.closeAllConnections()
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  console.log(`${module.padEnd(24)} kept ${least === most ? least : `${least} to ${most}`} of 8 keys`)
}

async function main() {
  const client = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' })
  await client.connect()
  for (const module of ['express-session', 'holdfast/express-session']) await race(client, module)
  client.destroy()
}
void main()
