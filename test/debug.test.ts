import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { compile } from './support/compile'
import { Browser } from './support/browser'
import { atEnd } from './support/serve'
import { secret } from './support/site'

const HANDLE = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const MS = String.raw`\d+\.\d ms`

const APP = `
const session = require(process.argv[1])
const express = require('express')
const app = express()
app.use(session({ secret: ${JSON.stringify(secret)}, load: (req) => (req.url === '/lazy' ? 'lazy' : 'eager') }))
app.get(['/', '/lazy'], (req, res) => res.send('hello'))
app.get('/look', (req, res) => res.send(String(req.session.count)))
app.get('/set/:keys', (req, res) => {
  for (const key of req.params.keys.split('-')) req.session[key] = Math.random()
  res.send('set')
})
app.get('/after/:first/*then', async (req, res) => {
  const { cookie } = req.headers
  await (await fetch('http://' + req.headers.host + '/' + req.params.then.join('/'), { headers: { cookie } })).text()
  req.session[req.params.first] = 1
  res.send('set')
})
let waiting = []
app.get('/together/:key', async (req, res) => {
  await new Promise((resolve) => {
    if (waiting.push(resolve) === 3) waiting.forEach((go) => go())
  })
  req.session[req.params.key] = 1
  res.send('set')
})
app.get('/logout', async (req, res) => {
  await req.session.destroy()
  res.send('bye')
})
app.use((error, req, res, next) => res.status(error.status).send(error.code))
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

let library = ''
beforeAll(() => {
  library = join(compile(['lib']), 'lib/index.js')
})

/** An application in a process of its own, and a visitor of it. */
class Program extends Browser {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: Interface,
    port: number
  ) {
    super(port)
  }

  static async start(env: NodeJS.ProcessEnv): Promise<Program> {
    const child = spawn(process.execPath, ['-e', APP, library], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const closed = once(child, 'close')
    atEnd(child, (it) => it.kill('SIGKILL') && closed)
    const lines = createInterface({ input: child.stderr })
    const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    return new Program(child, lines, Number(port))
  }

  /** The lines that are written while something runs. A line comes when the connection has taken the response. */
  async linesOf(count: number, run: () => Promise<unknown>): Promise<string[]> {
    const lines: string[] = []
    const written = new Promise<void>((resolve) => {
      this.lines.on('line', (line) => lines.push(line) === count && resolve())
    })
    await run()
    await written
    this.lines.removeAllListeners('line')
    return lines
  }

  /** Everything that the application wrote to the standard error. It has to end for that. */
  async everything(): Promise<string[]> {
    const lines: string[] = []
    this.lines.on('line', (line) => lines.push(line))
    const closed = once(this.lines, 'close')
    this.child.kill('SIGKILL')
    await closed
    return lines
  }
}

describe('with HOLDFAST_DEBUG=1', () => {
  test('each request is a line: what was loaded, stored and sent', async () => {
    const app = await Program.start({ HOLDFAST_DEBUG: '1' })
    const lines: string[] = []
    for (const path of ['/', '/set/count', '/look', '/set/count-theme?token=x', '/lazy', '/logout'])
      lines.push(...(await app.linesOf(1, () => app.send(path))))
    const expected = [
      `GET / 200 · no session used · cookie not sent · ${MS}`,
      `GET /set/count 200 · new ${HANDLE}, stored count · cookie sent · ${MS}`,
      `GET /look 200 · loaded ${HANDLE} in ${MS} · nothing stored · cookie not sent · ${MS}`,
      `GET /set/count-theme 200 · loaded ${HANDLE} in ${MS} · stored count, theme · cookie not sent · ${MS}`,
      `GET /lazy 200 · no session used · cookie not sent · ${MS}`,
      `GET /logout 200 · loaded ${HANDLE} in ${MS} · nothing stored · cookie cleared · ${MS}`
    ]
    expect(lines).toEqual(expected.map((line) => expect.stringMatching(new RegExp(`^holdfast ${line}$`))))
  })

  test('a change that was merged, one of a session that has ended, and a bad cookie are in it', async () => {
    const app = await Program.start({ HOLDFAST_DEBUG: '1' })
    await app.linesOf(1, () => app.send('/set/count'))
    const merged = await app.linesOf(2, () => app.send('/after/mine/set/theirs'))
    expect(merged[1]).toMatch(/ · stored mine, merged · /)
    const gone = await app.linesOf(2, () => app.send('/after/other/logout'))
    expect(gone[1]).toMatch(/ 409 · loaded .* · changes not stored: gone · nothing stored · /)
    app.cookies.set('sid', 'forged')
    const [forged] = await app.linesOf(1, () => app.send('/'))
    expect(forged).toMatch(/ 200 · cookie not accepted: bad signature · /)
  })

  test('requests that share one write have each its own part of it', async () => {
    const app = await Program.start({ HOLDFAST_DEBUG: '1' })
    await app.linesOf(1, () => app.send('/set/count'))
    const lines = await app.linesOf(3, () =>
      Promise.all(['a', 'b', 'c'].map((key) => app.send(`/together/${key}`)))
    )
    const own = lines.map((line) => /together\/(\w) 200 .* stored (\w)[, ]/.exec(line)?.slice(1))
    expect(own.sort()).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c']
    ])
  })

  test('the session id is not in it', async () => {
    const app = await Program.start({ HOLDFAST_DEBUG: '1' })
    await app.linesOf(1, () => app.send('/set/count'))
    const [line] = await app.linesOf(1, () => app.send('/set/count'))
    expect(line).not.toContain(app.id)
  })
})

test.each([{}, { HOLDFAST_DEBUG: '0' }])('with %j nothing is written', async (env) => {
  const app = await Program.start(env)
  await app.send('/set/count')
  await app.send('/look')
  expect(await app.everything()).toEqual([])
})
