import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { buildLibrary } from '../package/build'
import { Browser } from '../support/browser'
import { atEnd } from '../support/serve'
import { codeBlocks, type Block } from './blocks'
import { start, wholeApp } from './check'
import { Workshop } from './workshop'

const docs = join(__dirname, '../../docs')
const tasks = readFileSync(join(docs, 'tasks.md'), 'utf8')
const note = readFileSync(join(docs, 'decisions/0021-lines-of-everyday-tasks.md'), 'utf8')

/** The first block under each heading. */
function firstBlocks(markdown: string): Map<string, Block> {
  const sections = markdown.split(/^## /m).slice(1)
  return new Map(
    sections.flatMap((section) => {
      const [block] = codeBlocks('tasks.md', section)
      return block ? [[section.split('\n')[0]!, block]] : []
    })
  )
}

/** As the note counts: code that is no import. */
function linesOf({ code }: Block): number {
  return code.split('\n').filter((line) => line.trim() !== '' && !/^import |^\s*\/\//.test(line)).length
}

describe('no everyday task takes more lines than with the shortest other library', () => {
  const rows = [...note.matchAll(/^\| (\w.*?) +\| (\d+) +\| .*? +\| (\d+) +\|$/gm)]
  const [ours, theirs] = [firstBlocks(tasks), firstBlocks(note)]

  test('the note has all ten', () => {
    expect(rows.map(([, task]) => task)).toEqual([...ours.keys()])
    expect(rows).toHaveLength(10)
  })

  test.each(rows.map(([, task, mine, other]) => [task!, Number(mine), Number(other)] as const))(
    '%s: %i lines and %i',
    (task, mine, other) => {
      expect([linesOf(ours.get(task)!), linesOf(theirs.get(task)!)]).toEqual([mine, other])
      expect(mine).toBeLessThanOrEqual(other)
    }
  )
})

test('the WebSocket of the page opens for a user who is logged in, closes at the logout, and is no logout if the store fails', async () => {
  const workshop = atEnd(new Workshop(), (it) => it.remove())
  buildLibrary()
  const document = codeBlocks('tasks.md', tasks)
  const block = document.find(({ code }) => code.includes('new WebSocketServer'))!
  const env = { SECRET: 'a secret of thirty-two bytes or more' }
  const app = wholeApp(block, document)
  const code = `${app.code}\n${FAILING}`
  const program = atEnd(start({ ...app, code }, { workshop, env, document }), (it) => it.stop())
  const url = await program.url()
  const browser = new Browser(Number(new URL(url).port))
  const stranger = new WebSocket(url.replace('http', 'ws'))
  expect(String((await once(stranger, 'error'))[0])).toContain('401')
  await browser.call('POST', '/login', { user: 'ann' })
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: browser.cookies.headers })
  await once(socket, 'open')
  const closed = once(socket, 'close')
  await browser.call('POST', '/logout', {})
  expect((await closed)[0]).toBe(4401)
  await browser.call('POST', '/login', { user: 'ann' })
  await browser.call('POST', '/fail', {})
  const unlucky = new WebSocket(url.replace('http', 'ws'), { headers: browser.cookies.headers })
  expect(String((await once(unlucky, 'error'))[0])).toContain('503')
  const { status, headers } = await browser.send('/me')
  expect([status, headers['retry-after']]).toEqual([503, '1'])
})

const FAILING = `
import { MemoryStore } from 'holdfast'
app.post('/fail', (_req, res) => {
  MemoryStore.prototype.get = () => Promise.reject(new Error('down'))
  res.end()
})`
