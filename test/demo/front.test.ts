import type { Page } from 'playwright-core'
import { MemoryStore } from '../../lib/index'
import { visit } from './support/browser'
import { serve, type Served, startDemo } from './support/demo'

let front: Served
let stranger: Served
let demo: Served

const blank: Parameters<typeof serve>[0] = (_req, res) => {
  res.setHeader('Content-Type', 'text/html')
  res.end('<!doctype html><link rel="icon" href="data:,"><title>a front end</title>')
}

beforeAll(async () => {
  ;[front, stranger] = await Promise.all([serve(blank), serve(blank)])
  demo = await startDemo({ store: new MemoryStore(), allowedOrigins: [front.url] })
})

/** What a page's `fetch` gets from the demo: status and text, or the name of the error. */
async function fetched(page: Page, path: string, init: object = {}): Promise<string> {
  const options = JSON.stringify({ credentials: 'include', ...init })
  const url = JSON.stringify(demo.url + path)
  const call = `fetch(${url}, ${options}).then(async (r) => r.status + ' ' + (await r.text()), (e) => e.name)`
  return page.evaluate<string>(call)
}

const json = { 'Content-Type': 'application/json' }
const login = { method: 'POST', headers: json, body: JSON.stringify({ username: 'test', password: 'x' }) }

it('serves a front end on another port, login, count and logout', async () => {
  await visit(front.url, {}, async (page, complaints) => {
    expect(await fetched(page, '/users/login', login)).toBe('200 {"ok":1,"message":"成功"}')
    expect(await fetched(page, '/users/getUser')).toBe('200 {"ok":1,"message":"成功","userinfo":"test"}')
    expect(await fetched(page, '/count')).toBe('200 第1次')
    expect(await fetched(page, '/count')).toBe('200 第2次')
    const form = {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'usr=张三'
    }
    expect(await fetched(page, '/login', form)).toBe('200 您第一次登录系统')
    expect(await fetched(page, '/users/login', { ...login, body: '{}' })).toMatch(/^400 {"ok":0/)
    expect(await fetched(page, '/users/logout', { method: 'POST' })).toBe('200 {"ok":1,"message":"退出成功"}')
    expect(await fetched(page, '/users/getUser')).toBe('200 {"ok":1,"message":"成功","userinfo":null}')
    // Requests to the demo are elsewhere by intent, and one of them was refused.
    expect(complaints.splice(0).filter((text) => !text.startsWith(`elsewhere: ${demo.url}`))).toEqual([
      expect.stringContaining('400 (Bad Request)')
    ])
  })
})

it('neither obeys nor answers any other', async () => {
  await visit(front.url, {}, async (page, complaints) => {
    await fetched(page, '/users/login', login)

    await page.goto(stranger.url)
    expect(await fetched(page, '/users/getUser')).toBe('TypeError')
    expect(await fetched(page, '/users/logout', { method: 'POST' })).toBe('TypeError')
    expect(await fetched(page, '/users/login', login)).toBe('TypeError')
    // A form needs no permission to be sent, and takes the cookie along: another port is the same site.
    await page.setContent(`<form method="post" action="${demo.url}/users/logout"><button>Go</button></form>`)
    await page.getByRole('button').click()
    await page.getByText('requests from other origins are refused').waitFor()

    await page.goto(front.url)
    expect(await fetched(page, '/users/getUser')).toBe('200 {"ok":1,"message":"成功","userinfo":"test"}')
    complaints.splice(0)
  })
})
