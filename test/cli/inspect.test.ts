import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CookieStore } from '../../lib'
import { createSigner } from '../../lib/cookie/signature'
import { RedisStore } from '../../lib/redis'
import { openRedis } from '../support/redis'
import { idIn } from '../support/browser'
import { secret, Site, type Visitor } from '../support/site'
import { holdfast, json, runProcess } from './cli'

const other = 'another secret of thirty-two bytes or more'

const redis = openRedis()

/** The answer that the document shows. */
function shown(): object {
  const document = readFileSync(join(__dirname, '../../docs/cli.md'), 'utf8')
  return JSON.parse(/```json\n([^`]*)```/.exec(document)![1]!) as object
}

/** The variables of an application that signs with `secrets`. */
const env = (...secrets: string[]): Record<string, string> => ({
  SESSION_SECRET: secrets.join(','),
  REDIS_URL: redis.url
})

async function visitorWith(
  data: Record<string, unknown>,
  options: Parameters<typeof Site.open>[0] = { store: redis.store }
): Promise<Visitor> {
  const visitor = (await Site.open(options)).visitor()
  await visitor.ask((s) => void Object.assign(s, data))
  return visitor
}

describe('a signed cookie', () => {
  test('verifies, and what is stored under it is shown', async () => {
    const visitor = await visitorWith({ n: 1, name: '安' })
    const before = Date.now()
    const { status, stdout, stderr } = await holdfast(['inspect', visitor.cookie], env(secret))
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^cookie +valid\nstored +yes\nhandle +[\w-]{36}\nuser +nobody\n/)
    expect(stdout).toMatch(/^created +\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \(.* ago\)$/m)
    expect(stdout).toMatch(/^expires .* \(in (1 d|23 h 59 min)\)$/m)
    expect(stdout).toContain('data {\n  "n": 1,\n  "name": "安"\n}\n')

    const found = await json(['inspect', visitor.cookie], env(secret))
    expect(found).toEqual({
      verifies: true,
      why: null,
      kind: 'signed',
      secret: 1,
      secrets: 1,
      stored: true,
      handle: expect.any(String),
      user: null,
      created: expect.any(String),
      expires: expect.any(String),
      cookie: null,
      data: { n: 1, name: '安' }
    })
    expect(Object.keys(found)).toEqual(Object.keys(shown()))
    const expires = Date.parse(found.expires as string)
    expect(expires).toBeLessThanOrEqual(before + 86_400_000)
    expect(Date.parse(found.created as string)).toBeLessThanOrEqual(before)
  })

  test('is taken in every form in which people have it', async () => {
    const { cookie } = await visitorWith({ n: 1 })
    const raw = decodeURIComponent(cookie)
    const forms = [
      raw,
      encodeURIComponent(raw),
      `sid=${cookie}`,
      ` sid=${raw}\n`,
      `Cookie: theme=dark; sid=${cookie}`
    ]
    for (const form of forms)
      expect(await json(['inspect', form], env(secret))).toMatchObject({ data: { n: 1 } })
    // The signature covers the name, so each name has a cookie of its own.
    const sign = (name: string) => createSigner([secret], name).sign(idIn(cookie))
    const named = `other.name=${encodeURIComponent(sign('other.name'))}`
    expect(await json(['inspect', named], env(secret))).toMatchObject({ data: { n: 1 } })
    const asked = ['inspect', `a=b; my=${sign('my')}`, '--name', 'my']
    expect(await json(asked, env(secret))).toMatchObject({ stored: true })
  })

  test('is wrong under the name of another cookie, and the name is given as a reason', async () => {
    const { cookie } = await visitorWith({ n: 1 })
    expect(await json(['inspect', `other=${cookie}`], env(secret))).toMatchObject({
      kind: 'wrong',
      why: 'the secret did not sign it for the name other (--name), or it was changed since'
    })
  })

  test('can be read from the input, where no list of processes shows it', async () => {
    const { cookie } = await visitorWith({ n: 5 })
    for (const run of [runProcess, holdfast]) {
      const { status, stdout } = await run(['inspect', '-'], env(secret), `sid=${cookie}\n`)
      expect([status, stdout]).toEqual([0, expect.stringContaining('"n": 5')])
    }
  })

  test('tells which of the secrets signed it', async () => {
    const { cookie } = await visitorWith({ n: 1 })
    const { stdout } = await holdfast(['inspect', cookie], env(other, secret))
    expect(stdout).toContain('valid (secret 2 of 2)')
    expect(await json(['inspect', cookie], env(other, secret))).toMatchObject({ secret: 2, secrets: 2 })
  })

  test('that none of the secrets signed is wrong, and nothing is looked up', async () => {
    const { cookie } = await visitorWith({ n: 1 })
    const { status, stdout } = await holdfast(['inspect', cookie], env(other))
    expect([status, stdout]).toEqual([
      1,
      'cookie  invalid: the secret did not sign it for the name sid (--name), or it was changed since\n'
    ])
    expect(await json(['inspect', cookie.slice(0, -1)], env(secret))).toEqual({
      verifies: false,
      kind: 'wrong',
      secret: null,
      why: expect.any(String),
      secrets: 1,
      stored: null
    })
  })

  test('of a session that has ended is genuine, and nothing is stored', async () => {
    const visitor = await visitorWith({ n: 1 })
    const { cookie } = visitor
    await visitor.ask((s) => s.destroy())
    const { status, stdout } = await holdfast(['inspect', cookie], env(secret))
    expect([status, stdout]).toEqual([1, 'cookie  valid\nstored  no: never saved, ended, or expired\n'])
  })

  test('is judged without Redis, too', async () => {
    const { cookie } = await visitorWith({ n: 1 })
    const { status, stdout } = await holdfast(['inspect', cookie], { SESSION_SECRET: secret })
    expect([status, stdout]).toEqual([0, 'cookie  valid\nstored  unknown: REDIS_URL is not set\n'])
  })

  test('is looked up under the prefix of the application', async () => {
    const { cookie } = await visitorWith({ n: 3 }, { store: new RedisStore(redis.client, { prefix: 'my:' }) })
    expect(await json(['inspect', cookie], env(secret))).toMatchObject({ stored: false })
    const found = await json(['inspect', cookie, '--prefix', 'my:'], env(secret))
    expect(found).toMatchObject({ data: { n: 3 } })
  })
})

test.each([
  ['short', 'SESSION_SECRET'],
  [`${secret},short`, 'secret 2 of SESSION_SECRET']
])('a weak secret is warned of, beside the answer: %s', async (secrets, which) => {
  const { cookie } = await visitorWith({ n: 1 })
  const { stdout, stderr } = await holdfast(['inspect', cookie], { SESSION_SECRET: secrets })
  expect(stdout).toMatch(/^cookie +(in)?valid/)
  expect(stderr).toBe(
    `holdfast: ${which} is a placeholder or shorter than 32 bytes, and whoever guesses it can sign: npx holdfast secret prints a good one\n`
  )
  expect(stderr).not.toContain('short,')
})

test('looking does not renew the life', async () => {
  const { cookie, id } = await visitorWith({ n: 1 })
  await redis.store.touch(id, 60_000)
  await holdfast(['inspect', cookie], env(secret))
  expect(await redis.store.life(id)).toBeLessThanOrEqual(60_000)
})

test('cookie settings of its own are shown', async () => {
  const visitor = await visitorWith({})
  await visitor.ask((s) => void Object.assign(s.cookie, { maxAge: 60_000 }))
  expect(await json(['inspect', visitor.cookie], env(secret))).toMatchObject({
    cookie: { originalMaxAge: 60_000 }
  })
})

test('a bare id counts where that was asked for', async () => {
  const visitor = await visitorWith({ n: 1 }, { store: redis.store, signed: false })
  const { cookie } = visitor
  const { status, stdout } = await holdfast(['inspect', `sid=${cookie}`], env(secret))
  expect([status, stdout]).toEqual([1, expect.stringContaining('--unsigned')])
  const found = await json(['inspect', '--unsigned', '--', cookie], env(secret))
  expect(found).toMatchObject({ kind: 'unsigned', secret: null, data: { n: 1 } })
})

describe('a sealed cookie', () => {
  const sealed = (name?: string): Promise<Visitor> =>
    visitorWith({ n: 2 }, { store: new CookieStore(), ...(name && { name }) })

  test('is opened, without Redis', async () => {
    const { cookie } = await sealed()
    const secrets = { SESSION_SECRET: `${other},${secret}` }
    const { status, stdout } = await holdfast(['inspect', cookie], secrets)
    expect([status, stdout]).toEqual([0, expect.stringContaining('valid (secret 2 of 2)')])
    expect(stdout).toContain('in the cookie itself')
    expect(await json(['inspect', cookie], secrets)).toMatchObject({
      kind: 'sealed',
      stored: true,
      data: { n: 2 }
    })
  })

  test('is opened for its name only', async () => {
    const { cookie } = await sealed('my')
    expect((await holdfast(['inspect', cookie], env(secret))).stdout).toContain('for the name sid (--name)')
    expect(await json(['inspect', cookie, '--name', 'my'], env(secret))).toMatchObject({ data: { n: 2 } })
    expect(await json(['inspect', `my=${cookie}`], env(secret))).toMatchObject({ data: { n: 2 } })
  })

  test('that has expired is genuine, and no session', async () => {
    const store = new CookieStore()
    store.keys(() => [secret], 'sid')
    const result = await store.set('none', '{"n":1}', 1, null)
    const id = 'id' in result ? result.id : ''
    const { status, stdout } = await runProcess(['inspect', id], env(secret))
    expect([status, stdout]).toEqual([1, expect.stringContaining('in the cookie itself, and expired')])
  })
})

describe('what is stored', () => {
  test('by another library is shown', async () => {
    const { cookie, id } = await visitorWith({ n: 1 })
    await redis.client.set(`SESSION:${id}`, '{"cookie":{"path":"/"},"views":7}')
    const found = await json(['inspect', cookie], env(secret))
    expect(found).toMatchObject({ handle: null, created: null, expires: null, data: { views: 7 } })
    const { stdout } = await holdfast(['inspect', cookie], env(secret))
    expect(stdout).toMatch(/handle +none, another library wrote it\n/)
    expect(stdout).toMatch(/expires +never\n/)
  })

  test('in a form of its own cannot be read, and that is said', async () => {
    const { cookie, id } = await visitorWith({ n: 1 })
    await redis.client.set(`SESSION:${id}`, 'not json')
    const { status, stderr } = await holdfast(['inspect', cookie], env(secret))
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/the cookie is valid, .* no session that can be read here \(not JSON\)/)
    ])
  })

  test('under an id that the session has left is nothing', async () => {
    const { cookie, id } = await visitorWith({ n: 1 })
    const { '@': meta } = JSON.parse((await redis.store.get(id))!) as { '@': object }
    await redis.client.set(`SESSION:${id}`, JSON.stringify({ '@': { ...meta, moved: true } }))
    expect(await json(['inspect', cookie], env(secret))).toMatchObject({ verifies: true, stored: false })
  })

  test('gives no commands to the terminal', async () => {
    const { cookie } = await visitorWith({ text: 'a\u001b[2J\u009b2J\u202eb\nc' })
    const { stdout } = await holdfast(['inspect', cookie], env(secret))
    expect(stdout).toContain('"a\\u001b[2J\\u009b2J\\u202eb\\nc"')
    const { data } = await json<{ data: object }>(['inspect', cookie], env(secret))
    expect(data).toEqual({ text: 'a\u001b[2J\u009b2J\u202eb\nc' })
  })
})

test.each([
  ['as an argument', ['inspect', 'x\u001b[2J\u0007=abc'], ''],
  ['by --name', ['inspect', 'abc', '--name', 'x\u001b[2J\u0007'], ''],
  ['on the input', ['inspect', '-'], 'x\u001b[2J\u0007=abc']
])('the name of a cookie, given %s, gives no commands to the terminal', async (_, args, input) => {
  const { status, stdout } = await holdfast(args, { SESSION_SECRET: secret }, input)
  expect([status, stdout]).toEqual([1, expect.stringContaining('for the name x\\u001b[2J\\u0007 (--name)')])
})

test('neither the id nor a secret is ever printed', async () => {
  const { cookie } = await visitorWith({ n: 1 })
  const runs = await Promise.all([
    holdfast(['inspect', cookie], env(secret)),
    holdfast(['inspect', cookie, '--json'], env(secret)),
    holdfast(['inspect', cookie], env(other)),
    holdfast(['inspect', cookie], { SESSION_SECRET: secret, REDIS_URL: 'redis://127.0.0.1:1' })
  ])
  for (const { stdout, stderr } of runs) {
    for (const hidden of [idIn(cookie), secret, other]) expect(stdout + stderr).not.toContain(hidden)
  }
})
