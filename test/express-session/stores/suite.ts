import type { Store } from 'express-session'
import main from '../../../lib'
import { Browser } from '../../support/browser'
import { atEnd } from '../../support/serve'
import { Gates } from '../support/gates'
import { implementations, type Implementation, options, type SessionModule } from '../support/implementations'
import { application, LIFE } from './application'

/** What a store keeps of a session, as text. */
export type Ageing = (text: string) => string

export interface OpenStore {
  readonly store: Store
  /**
   * Makes it as if `ms` milliseconds had gone by for a session: its life in the store is so much shorter, and `age`
   * makes the dates in its text so much earlier.
   */
  pass(id: string, ms: number, age: Ageing): unknown
  close?(): unknown
}

/** The main entry takes the same stores. Some of its options are others. */
const mainEntry: Implementation = {
  name: 'holdfast',
  session: (({ store, cookie }: { store: Store; cookie: object }) =>
    main({ secret: options.secret, name: 'connect.sid', store, cookie })) as unknown as SessionModule,
  keepsWork: true
}

/** What an application relies on, whichever store it has. */
export function suite(name: string, open: () => OpenStore | Promise<OpenStore>): void {
  describe.each([...implementations, mainEntry])(`${name} with $name`, ({ session, keepsWork }) => {
    let opened: OpenStore
    let browser: Browser
    let gates: Gates

    beforeAll(async () => {
      opened = atEnd(await open(), (it) => it.close?.())
    })

    beforeEach(async () => {
      gates = new Gates()
      browser = await Browser.open(application(session, opened.store, gates))
    })

    /** As if this time had gone by for the session of the browser. */
    function pass(ms: number): unknown {
      return opened.pass(browser.id, ms, (text) => {
        const stored = JSON.parse(text) as { cookie: { expires: string } }
        stored.cookie.expires = new Date(Date.parse(stored.cookie.expires) - ms).toISOString()
        return JSON.stringify(stored)
      })
    }

    function stored(id: string): Promise<Record<string, unknown> | null> {
      return new Promise((resolve, reject) => {
        opened.store.get(id, (error: NodeJS.ErrnoException | null, found) => {
          if (error && error.code !== 'ENOENT') reject(error)
          else resolve(found ? { ...found } : null)
        })
      })
    }

    test('a login is stored, and read by the next request', async () => {
      await browser.post('/set', { user: 'ann' })
      expect(await browser.json('/')).toMatchObject({ user: 'ann' })
      const cookie = { expires: expect.anything() }
      expect(await stored(browser.id)).toMatchObject({ user: 'ann', cookie })
      expect(await browser.stranger().json('/')).toEqual({})
    })

    test('changes are stored: another value, a nested one, a key that goes', async () => {
      await browser.post('/set', { user: 'ann', theme: 'dark' })
      await browser.post('/set', { theme: 'light' })
      await browser.post('/push', { item: 'book' })
      await browser.post('/push', { item: '本' })
      await browser.post('/delete', { key: 'user' })
      const { cookie: _cookie, ...data } = (await stored(browser.id))!
      expect(data).toMatchObject({ theme: 'light', cart: ['book', '本'] })
      expect(data).not.toHaveProperty('user')
    })

    test('each use renews the life of a session', async () => {
      await browser.post('/set', { user: 'ann' })
      for (const n of [1, 2, 3]) {
        await pass(0.7 * LIFE)
        expect([n, await browser.json('/')]).toMatchObject([n, { user: 'ann' }])
      }
      await browser.post('/set', { theme: 'dark' })
      await pass(0.7 * LIFE)
      expect(await browser.json('/')).toMatchObject({ user: 'ann', theme: 'dark' })
    })

    test('a session that was not used for its life is gone', async () => {
      await browser.post('/set', { user: 'ann' })
      const before = browser.id
      await pass(LIFE + 2000)
      expect(await stored(before)).toBeNull()
      expect(await browser.json('/')).toEqual({})
      await browser.post('/set', { user: 'bob' })
      expect(browser.id).not.toBe(before)
    })

    test('a destroyed session is gone', async () => {
      await browser.post('/set', { user: 'ann' })
      const copy = browser.clone()
      await browser.post('/destroy')
      expect(await stored(copy.id)).toBeNull()
      expect(await copy.json('/')).toEqual({})
    })

    test('regenerate stores a new session, and destroys the old one', async () => {
      await browser.post('/set', { user: 'ann' })
      const before = browser.id
      await browser.post('/regenerate')
      expect(await stored(before)).toBeNull()
      expect(await browser.json('/')).toMatchObject({ fresh: true })
    })

    test('save, reload and touch call back', async () => {
      await browser.post('/set', { user: 'ann' })
      expect((await browser.post('/by-hand')).text).toBe('saved, reloaded')
      expect(await browser.json('/')).toMatchObject({ user: 'ann', first: 1 })
    })

    test('two requests at once change different keys', async () => {
      await browser.post('/set', { user: 'ann' })
      const one = gates.close()
      const first = browser.post('/set', { one: '1' }, one.headers)
      const two = gates.close()
      const second = browser.post('/set', { two: '2' }, two.headers)
      await Promise.all([one.gate.reached, two.gate.reached])
      one.gate.go()
      await first
      two.gate.go()
      await second
      const data = await browser.json<object>('/')
      expect(data).toMatchObject({ user: 'ann', two: '2' })
      expect('one' in data).toBe(keepsWork)
    })

    test('a logout stays a logout, whatever other requests write', async () => {
      await browser.post('/set', { user: 'ann' })
      const copy = browser.clone()
      const { gate, headers } = gates.close()
      const late = copy.post('/set', { theme: 'dark' }, headers)
      await gate.reached
      await browser.post('/destroy')
      gate.go()
      expect((await late).status).toBe(keepsWork ? 409 : 200)
      expect(await copy.json('/')).toEqual(keepsWork ? {} : expect.objectContaining({ user: 'ann' }))
    })

    test.each([false, true])(
      'who only reads gets an answer, though the session ends; resave: %s',
      async (resave) => {
        const browser = await Browser.open(application(session, opened.store, gates, { resave }))
        await browser.post('/set', { user: 'ann' })
        const copy = browser.clone()
        const { gate, headers } = gates.close()
        const late = copy.get('/', headers)
        await gate.reached
        await browser.post('/destroy')
        gate.go()
        const { status, text } = await late
        expect([status, text]).toMatchObject([200, expect.stringContaining('ann')])
        const isBack = resave && !keepsWork
        expect(await stored(copy.id)).toEqual(isBack ? expect.objectContaining({ user: 'ann' }) : null)
      }
    )
  })
}
