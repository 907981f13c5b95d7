// A user's file that knows its data without augmenting SessionData; imports are those of main.mts.
import express from 'express'
import session, {
  MemoryStore,
  session as named,
  type AppSession,
  type LazySession,
  type SessionHandle,
  type SessionOptions
} from 'holdfast'
import { testCookie } from 'holdfast/testing'
import * as v from 'valibot'
import { z } from 'zod'

const secret = 'a secret of thirty-two bytes or more'
export const sessions = named({
  secret,
  load: 'lazy',
  schema: z.object({ userId: z.string(), cart: z.array(z.string()) }),
  user: (s) => s.userId,
  valid: (_req, s) => s.userId !== 'banned',
  beforeSave: (_req, s) => void (s.cart ??= [])
})

export async function handler(req: express.Request): Promise<void> {
  const { userId } = await sessions.of(req).load()
  const maybe: string | undefined = userId
  // @ts-expect-error -- it is not loaded
  console.log(sessions.of(req).userId)
  const fresh = await sessions.of(req).regenerate({ keep: ['cart'], set: { userId: 'ann' }, remember: true })
  const certain: string = fresh.userId
  // @ts-expect-error -- a key that is not declared
  await sessions.of(req).regenerate({ set: { userid: 'ann' } })
  // @ts-expect-error -- a string
  await sessions.of(req).regenerate({ set: { userId: 1 } })
  await sessions.of(req).update((s) => {
    s.cart = [maybe ?? certain]
  })
  const done = () => undefined
  sessions.of(req).regenerate({ keep: ['cart'], set: { userId: 'ann' } }, done)
  sessions.of(req).regenerate(done)
  // @ts-expect-error -- a key that is not declared
  sessions.of(req).regenerate({ set: { userid: 'ann' } }, done)
  // @ts-expect-error -- it belongs to the session
  sessions.of(req).regenerate({ set: { id: 'x' } }, done)
  const saved: ReturnType<typeof req.session.save> = Promise.resolve()
  await saved
}

// What an application calls with its requests is typed by them, and by its data.
session<{ n: number; ip: string }>({
  secret,
  store: (_req: express.Request) => new MemoryStore(),
  load: (req: express.Request) => (req.path === '/' ? 'eager' : 'lazy'),
  genid: (req: express.Request) => req.ip ?? 'x',
  valid: (req: express.Request, s) => req.ip === s.ip,
  merge: (base, mine, theirs) => ({ ...theirs, n: (mine.n ?? 0) + (theirs.n ?? 0) - (base.n ?? 0) })
})
// @ts-expect-error -- a number
session<{ n: number }>({ secret, merge: (_base, _mine, theirs) => ({ ...theirs, n: 'x' }) })

interface Account {
  role: 'admin' | 'user'
  cart: string[]
  count: number
  name: string | null
}
const accounts = session<Account>({ secret })
export async function regenerated(req: express.Request, some: Partial<Account>): Promise<void> {
  const s = await accounts.of(req).regenerate({ set: { role: 'user', cart: [], count: 0, name: 'ann' } })
  s.role = 'admin'
  s.cart.push('a thing')
  s.count = 1
  const certain: string = s.name
  const other = await accounts.of(req).regenerate({ set: some })
  const maybe: number | undefined = other.count
  // @ts-expect-error -- it may not be there
  const count: number = other.count
  console.log(certain, maybe, count)
}
const people = session({
  secret,
  schema: z.object({ name: z.string().optional(), cart: z.array(z.string()).optional() })
})
const sizeOf = (s: Awaited<ReturnType<ReturnType<typeof people.of>['load']>>): number => s.cart?.length ?? 0
export const sized = async (req: express.Request): Promise<number> =>
  sizeOf(await people.of(req).regenerate({ set: { name: 'ann' } }))
interface Counted {
  count: number
}
const countFrom = (s: LazySession<Counted>, count: number): Promise<AppSession<Counted>> =>
  s.regenerate({ set: { count } })
export const helped = async (req: express.Request): Promise<number | undefined> =>
  (await countFrom(accounts.of(req), 1)).count
const showRole = (s: AppSession<Account>): void => console.log(s.role)
export const shown = async (req: express.Request): Promise<void> =>
  showRole(await accounts.of(req).regenerate({ set: { role: 'user', name: null } }))
export const promoted = (req: express.Request) => accounts.of(req).regenerate({ set: { role: 'admin' } })

// Declarations are emitted of these: every type that they name is exported.
export const devices = (user: string) => sessions.list(user)
export const current = (req: express.Request) => sessions.of(req)
export const open = (req: express.Request) => sessions.open(req)
export const made = () => sessions.create({ userId: 'ann' })
export const login = (req: express.Request) => sessions.of(req).regenerate({ set: { userId: 'ann' } })
export const handleOf = (s: AppSession<{ userId: string }>): SessionHandle => s.handle
export const cookieOf = (s: AppSession) => s.cookie

export async function end(req: express.Request): Promise<void> {
  const s = await sessions.of(req).load()
  await sessions.destroy(s, { others: true })
  await sessions.destroy(await sessions.of(req).load())
  // @ts-expect-error -- a handle is no user
  await sessions.destroy(s.handle)
  // @ts-expect-error -- a handle is no user
  await sessions.list(s.handle)
  // @ts-expect-error -- the others of whom
  await sessions.destroy('ann', { others: true })
  // @ts-expect-error -- an id is no user
  await sessions.destroy(s.id)
  // @ts-expect-error -- an id is no user
  await sessions.destroy(req.sessionID)
  // @ts-expect-error -- an id is no handle
  await sessions.destroy('ann', { handle: s.id })
  const [first] = await sessions.list('ann')
  const handle: string = first!.handle
  await sessions.destroy('ann', { handle })
  // @ts-expect-error -- a key that is not declared
  console.log(first!.data.usrId)
  // @ts-expect-error -- a copy: nothing would be stored
  first!.data.userId = 'bob'

  const unloaded = sessions.of(req)
  console.log(await sessions.list(unloaded))
  await sessions.destroy(unloaded, { others: true })
  await sessions.destroy('ann', { except: unloaded })
  await sessions.destroy(unloaded)
  // @ts-expect-error -- it is not loaded
  sessions.onDestroy(unloaded, () => undefined)()
  sessions.onDestroy(await unloaded.load(), () => undefined)()
}

export async function tested(): Promise<string> {
  // @ts-expect-error -- a key that is not declared
  await testCookie(sessions, { userid: 'ann' })
  const mistaken = { userId: 'ann', userid: 'ann' }
  // @ts-expect-error -- a key that is not declared
  await testCookie(sessions, mistaken)
  // @ts-expect-error -- a key that is not declared
  await sessions.create(mistaken)
  // @ts-expect-error -- a string
  await sessions.create({ userId: 1 })
  await sessions.create({ userId: 'ann', cart: [] })
  return testCookie(sessions, { userId: 'ann' })
}

const plain = session<{ userId: string; when: Date; tags: Set<string>; last?: Map<string, number> }>({
  secret
})
export async function held(req: express.Request): Promise<void> {
  const s = await plain.of(req).load()
  s.when = new Date()
  // @ts-expect-error -- JSON cannot hold it
  s.tags = new Set<string>()
  // @ts-expect-error -- JSON cannot hold it
  s.last = new Map<string, number>()
}

const free = session<{
  contact: { name: string; email: string; message: string }
  chat: { name: string; message: string }[]
  profile: any
  list: any[]
  failure: Error
  failures: TypeError[]
}>({ secret })
export async function anything(req: express.Request): Promise<void> {
  const s = await free.of(req).load()
  s.contact = { name: 'ann', email: 'ann@example.com', message: 'hello' }
  s.chat = [{ name: 'ann', message: 'hello' }]
  s.profile = { name: 'ann' }
  s.list = [1, 'two']
  // @ts-expect-error -- JSON cannot hold it
  s.failure = new Error('no')
  // @ts-expect-error -- JSON cannot hold it
  s.failures = [new TypeError('no')]
  const record = await session<Record<string, any>>({ secret }).of(req).load()
  record.anything = 1
  await record.regenerate({ keep: ['anything'], set: { more: 1 } })
  const untyped = await session<any>({ secret }).of(req).load()
  untyped.anything = 1
  await untyped.save()
  const schema = z.object({ form: z.object({ name: z.string(), message: z.string() }), bag: z.any() })
  const parsed = await session({ secret, schema }).of(req).load()
  parsed.form = { name: 'ann', message: 'hello' }
  parsed.bag = 1
  const bags = await session({ secret, schema: z.record(z.string(), z.any()) })
    .of(req)
    .load()
  bags.anything = 1
}

const declared: SessionOptions<{ userId: string; cart: string[] }> = {
  secret,
  schema: z.object({ userId: z.string(), cart: z.array(z.string()) })
}
export const misfit: SessionOptions<{ userId: string }> = {
  secret,
  // @ts-expect-error -- a number, where the data have a string
  schema: z.object({ userId: z.number() })
}
export const cartOf = async (req: express.Request): Promise<string[] | undefined> =>
  (await session(declared).of(req).load()).cart

const checked = session({ secret, schema: v.object({ n: v.number() }) })
export const count = async (req: express.Request): Promise<number | undefined> =>
  (await checked.of(req).load()).n
export const ofAny = <Data extends object>(options: SessionOptions<Data>) => session(options)

// @ts-expect-error -- it belongs to the session
session<{ id: string }>({ secret })
// @ts-expect-error -- it belongs to the session
session<{ cookie?: string }>({ secret })
// @ts-expect-error -- it belongs to the session
session({ secret, schema: z.object({ save: z.boolean() }) })
// @ts-expect-error -- a list is no object of keys
session<string[]>({ secret })

export const lazy = (req: express.Request): LazySession<{ a: string }> =>
  session<{ a: string }>({ secret }).of(req)

// A union: a session may have any key of its members.
type Login = { kind: 'password'; user: string } | { kind: 'token'; scopes: string[] }
const logins = session<Login>({ secret, user: (s) => s.user })
const either = session({
  secret,
  schema: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), a: z.string() }),
    z.object({ kind: z.literal('b'), b: z.number() })
  ])
})
export async function ofEither(req: express.Request): Promise<void> {
  await logins.create({ kind: 'password', user: 'ann' })
  const s = await logins.of(req).regenerate({ keep: ['kind'], set: { user: 'ann' } })
  const certain: string = s.user
  s.kind = 'token'
  const scopes: string[] = await logins.of(req).update((one) => (one.scopes ??= [certain]))
  // @ts-expect-error -- no member has it
  await logins.create({ kind: 'password', users: 'ann' })
  // @ts-expect-error -- no member has this value
  s.kind = 'passkey'
  await either.of(req).regenerate({ set: { kind: 'b', b: scopes.length } })
  await testCookie(either, { kind: 'a', a: 'x' })
}

session<Account>({ secret, beforeSave: (_req, s) => Object.assign(s, { count: 1 }) })
session<Account>({ secret, beforeSave: (_req, s) => (s.count = 1) })
// @ts-expect-error -- it would be lost
session<Account>({ secret, beforeSave: (_req, s) => ({ ...s, count: 1 }) })
// @ts-expect-error -- nothing waits for it
session<Account>({ secret, beforeSave: async (_req, s) => void (s.count = 1) })
