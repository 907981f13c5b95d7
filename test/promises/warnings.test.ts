import express from 'express'
import session, { MemoryStore, type SessionOptions } from '../../lib'
import dropIn from '../../lib/express-session'
import { CountingStore } from '../support/counting-store'
import { listen } from '../support/events'
import { hearWarnings } from '../support/hold-listeners'
import { type Bag, returning, secret, Site } from '../support/site'

/** What the process was warned of while something ran, by us. */
async function warningsOf(run: () => Promise<unknown>): Promise<string[]> {
  const { warnings, end } = hearWarnings()
  try {
    await run()
    // Node tells on the next tick.
    await new Promise(setImmediate)
    return warnings
      .filter((one) => (one as { code?: string }).code?.startsWith('HOLDFAST'))
      .map(({ message }) => message)
  } finally {
    end()
  }
}

async function twice(site: Site): Promise<void> {
  for (let i = 0; i < 2; i++) await site.visitor().ask(() => null)
}

test('a second session middleware that is skipped is told once, by its name', async () => {
  const site = await Site.open({}, (app) => void app.use(session({ secret, name: 'admin' })))
  const warnings = await warningsOf(() => twice(site))
  expect(warnings).toEqual([expect.stringMatching(/"?admin"?.*skipped|skipped.*"?admin"?/s)])
})

test('a middleware that finds the req.session of somebody else is told once', async () => {
  const warnings = await warningsOf(async () => {
    const app = express()
    app.use((req, _res, next) => {
      Object.assign(req, { session: { of: 'somebody else' } })
      next()
    })
    const site = await Site.open({ name: 'late' }, undefined, app)
    await twice(site)
  })
  expect(warnings).toEqual([expect.stringMatching(/req\.session/)])
})

test('a Date, a Buffer and an instance of a class, which come back as something else, are told once in development', async () => {
  class Cart {
    readonly items = ['a']
  }
  const { visitor } = await returning()
  const warnings = await warningsOf(async () => {
    for (let i = 0; i < 2; i++) {
      await visitor.ask(
        (s) => void Object.assign(s, { when: new Date(i), bytes: Buffer.from([i]), cart: new Cart() })
      )
    }
  })
  expect(await visitor.ask((s) => s.when)).toBe(new Date(1).toISOString())
  expect(warnings.filter((message) => message.includes('when'))).toHaveLength(1)
  expect(warnings.filter((message) => message.includes('bytes'))).toHaveLength(1)
  expect(warnings.filter((message) => /cart, which is a Cart,.*plain data/.test(message))).toHaveLength(1)
})

test('a proxy that ends TLS and is not believed is told once', async () => {
  const site = await Site.open()
  const warnings = await warningsOf(async () => {
    for (let i = 0; i < 2; i++) {
      await site.visitor().visit((s) => void (s.n = 1), { headers: { 'x-forwarded-proto': 'https' } })
    }
  })
  expect(warnings).toEqual([expect.stringMatching(/X-Forwarded-Proto.*trust proxy/s)])
})

test('a change that a timer makes to req.session after the response is published each time, and told once', async () => {
  const heard = listen()
  const warnings = await warningsOf(async () => {
    for (const load of ['eager', 'lazy'] as const) {
      const { visitor } = await returning({ load })
      await new Promise<void>((changed) => {
        void visitor.visit((_s, req, res) => {
          const change = async () => {
            const s = (req as unknown as { session: Bag }).session
            const loaded = load === 'lazy' ? await s.load() : s
            loaded.n = 2
            changed()
          }
          res.on('finish', () => setImmediate(() => void change()))
        })
      })
      expect(await visitor.ask(async (s) => (await s.load()).n)).toBe(1)
    }
  })
  expect(heard['holdfast:dropped'].map(({ reason }) => reason)).toEqual(['response ended', 'response ended'])
  expect(warnings).toEqual([expect.stringMatching(/after its response had ended.*or call save\(\)/)])
})

test.each<[string, object, RegExp]>([
  ['a life that was meant in seconds', { idleTimeout: 60 }, /idleTimeout is 60 milliseconds.*60000/],
  ['a cookie that was meant in seconds', { cookie: { maxAge: 3600 } }, /cookie\.maxAge is 3600 milliseconds/],
  ['a cookie of a day in seconds', { cookie: { maxAge: 86_400 } }, /cookie\.maxAge is 86400 milliseconds/],
  ['a lifetime of 30 days in seconds', { lifetime: 2_592_000, idleTimeout: 60_000 }, /take 2592000000/],
  [
    'a lifetime below the idle timeout',
    { idleTimeout: 60_000, lifetime: 30_000 },
    /lifetime is 30000 milliseconds, below idleTimeout/
  ],
  [
    'an idle timeout above the lifetime that is not given',
    { idleTimeout: 90 * 86_400_000 },
    /lifetime is 2592000000 milliseconds, below idleTimeout/
  ],
  [
    'a cookie that remember: true would shorten',
    { rememberFor: 7 * 86_400_000, cookie: { maxAge: 30 * 86_400_000 } },
    /rememberFor is below cookie\.maxAge/
  ]
])('%s is told once', async (_what, options, message) => {
  const store = new MemoryStore()
  const warnings = await warningsOf(async () => {
    for (let i = 0; i < 3; i++) session({ secret, store, ...options })
  })
  expect(warnings).toEqual([expect.stringMatching(message)])
})

test('a life that is assigned to one session is told as among the options, once', async () => {
  const { visitor } = await returning()
  const year = 365 * 86_400_000
  const warnings = await warningsOf(async () => {
    for (const seconds of [86_400, 3600]) {
      await visitor.ask((s) => void (s.cookie.maxAge = seconds))
      await visitor.ask((s) => void (s.cookie.originalMaxAge = seconds + 1))
    }
    await visitor.ask((s) => s.update((draft) => void (draft.cookie.maxAge = year)))
    await visitor.ask((s) => void (s.cookie.expires = new Date(Date.now() + 2 * year)))
  })
  expect(warnings).toEqual([
    expect.stringMatching(/cookie\.maxAge was set to few milliseconds, or to days in seconds/),
    expect.stringMatching(/cookie\.maxAge was set above lifetime/)
  ])
})

test('no life of one session is told that is meant, or that the options have', async () => {
  const options = { rememberFor: 5000, cookie: { maxAge: 4000 }, idleTimeout: 60_000 }
  const { visitor } = await returning(options)
  const warnings = await warningsOf(async () => {
    await visitor.ask((s) => void (s.cookie.maxAge = 7 * 86_400_000))
    await visitor.ask((s) => void (s.cookie.maxAge = null))
    await visitor.ask((s) => s.regenerate({ keep: true, remember: true }).then(() => null))
    await visitor.ask((s) => s.regenerate({ keep: true, remember: false }).then(() => null))
    await visitor.ask((s) => void (s.cookie.maxAge = 0))
  })
  expect(warnings).toEqual([])
})

test('a cookie of the drop-in that was meant in seconds is told once', async () => {
  const warnings = await warningsOf(async () => {
    for (let i = 0; i < 3; i++)
      dropIn({ secret, resave: false, saveUninitialized: false, cookie: { maxAge: 60 } })
  })
  expect(warnings).toEqual([expect.stringMatching(/cookie\.maxAge is 60 milliseconds.*60000/)])
})

test('a weak secret of the drop-in is told with the same remedy as that of the main entry', async () => {
  const weak = { secret: ['a weak one', secret], resave: false, saveUninitialized: false }
  expect(await warningsOf(async () => void dropIn(weak))).toEqual([
    expect.stringMatching(/^secret\[0\] is a placeholder.*npx holdfast secret.*put the new one in front/)
  ])
})

test('no life is told that is meant', async () => {
  const store = new MemoryStore()
  const warnings = await warningsOf(async () => {
    for (const days of [1, 7, 30]) session({ secret, store, idleTimeout: days * 86_400_000 })
    for (const minutes of [1, 5, 36]) session({ secret, store, cookie: { maxAge: minutes * 60_000 } })
  })
  expect(warnings).toEqual([])
})

test('a weak secret of the drop-in is told with its place', async () => {
  const weak = { secret: [secret, 'keyboard cat'], resave: false, saveUninitialized: false }
  expect(await warningsOf(async () => void dropIn(weak))).toEqual([
    expect.stringMatching(/^secret\[1\] is a placeholder/)
  ])
})

test('a weak secret is told once, however many middlewares have it', async () => {
  const warnings = await warningsOf(async () => {
    for (let i = 0; i < 3; i++) session({ secret: 'keyboard cat', store: new MemoryStore() })
  })
  expect(warnings).toEqual([expect.stringMatching(/^secret is a placeholder/)])
})

describe('a combination of options that is deprecated or dangerous is told at start, once', () => {
  const COMBINATIONS: [Partial<SessionOptions>, RegExp][] = [
    [{ signed: false, genid: () => 'x' }, /signed: false with an own genid.*128 random bits/],
    [{ cookie: { httpOnly: false } }, /cookie\.httpOnly: false.*leave it true/],
    [{ cookie: { secure: false } }, /cookie\.secure: false in production.*'auto'/],
    [{ cookie: { expires: new Date(Date.now() + 86_400_000) } }, /cookie\.expires.*cookie\.maxAge/],
    [{ autoCommit: false, saveUninitialized: true }, /saveUninitialized.*autoCommit: false.*save\(\)/],
    [{ timeout: 10 }, /timeout is 10 milliseconds.*take 10000/]
  ]
  const { NODE_ENV } = process.env
  const store = new CountingStore()
  const start = (env: string, options: Partial<SessionOptions>) =>
    warningsOf(async () => {
      process.env.NODE_ENV = env
      for (let i = 0; i < 3; i++) session({ secret, store, ...options })
    }).finally(() => (process.env.NODE_ENV = NODE_ENV))

  test.each(COMBINATIONS)('%j', async (options, message) => {
    expect(await start('production', options)).toEqual([expect.stringMatching(message)])
    expect(await start('production', options)).toEqual([])
  })

  test.each<Partial<SessionOptions>>([
    { signed: false },
    { genid: () => 'x' },
    { cookie: { httpOnly: true, secure: true, expires: null } },
    { autoCommit: false },
    { saveUninitialized: true },
    { timeout: 11 }
  ])('and %j is none', async (options) => {
    expect(await start('production', options)).toEqual([])
  })

  test('and a cookie without Secure is none where applications are developed', async () => {
    expect(await start('development', { cookie: { secure: false } })).toEqual([])
  })
})

test('lives as they should be, and the defaults, are not told', async () => {
  const store = new MemoryStore()
  const warnings = await warningsOf(async () => {
    session({ secret, store })
    session({ secret, store, lifetime: 12 * 3_600_000 })
    session({ secret, store, idleTimeout: 1_800_000, cookie: { maxAge: 3_600_000 } })
  })
  expect(warnings).toEqual([])
})

test.each<[string, Partial<SessionOptions>]>([
  ['valid', { valid: async (_req, s) => ((s as Bag).seen = true) }],
  ['user', { user: (s) => ((s as Bag).name = 'ann') }]
])(
  'a change that %s makes to the session which it looks at is told, and not stored',
  async (name, options) => {
    const warnings = await warningsOf(async () => {
      const { visitor } = await returning(options, { n: 1, list: [1] })
      await visitor.ask((s) => void (s.n = 2))
      expect(await visitor.ask((s) => [s.n, s.list, s.seen ?? s.name])).toEqual([2, [1], null])
    })
    const told = warnings.filter((message) => message.includes('gets to look at'))
    expect(told.length).toBeGreaterThan(0)
    expect(told.every((message) => message.startsWith(`the function ${name} changed`))).toBe(true)
  }
)

test('a destroy or list of sessions that fails, and that nobody waits for, is told, and does not end the process', async () => {
  const sessions = session({ secret, user: () => 'ann' })
  const warnings = await warningsOf(async () => {
    void sessions.destroy('ann', { handle: undefined } as never)
    void sessions.list('ann', ...([() => undefined] as never as []))
    await expect(sessions.destroy('ann', { handle: 5 } as never)).rejects.toThrow('handle must be a string')
    await expect(sessions.destroy('ann', {} as never).then(() => undefined)).rejects.toThrow('destroy takes')
    await new Promise(setImmediate)
  })
  expect([...warnings].sort()).toEqual([
    expect.stringMatching(
      /^sessions\.destroy\(\) failed, and nobody waits for it, so await it: handle must be a string/
    ),
    expect.stringMatching(
      /^sessions\.list\(\) failed, .*: list takes a user or a session, and returns a promise/
    )
  ])
})

test('a change after the response that a save() stores is no loss, and one that nobody stores is', async () => {
  const lost = listen()['holdfast:dropped']
  const { visitor } = await returning()
  for (const [isSaved, count] of [
    [true, 0],
    [false, 1]
  ] as const) {
    const later = new Promise<void>((resolve, reject) => {
      void visitor.visit((s, _req, res) => {
        res.on('finish', () => {
          setImmediate(() => {
            s.late = isSaved
            const saved = isSaved ? s.save() : Promise.resolve()
            saved.then(() => setImmediate(setImmediate, resolve), reject)
          })
        })
      })
    })
    await later
    expect(lost).toHaveLength(count)
  }
  expect(await visitor.ask((s) => s.late)).toBe(true)
})

test('a nested value that was read before update() replaced it, and is changed afterwards, is told', async () => {
  const warnings = await warningsOf(async () => {
    const { visitor } = await returning({}, { profile: { visits: 1 }, other: { n: 1 } })
    await visitor.ask(async (s) => {
      const { profile, other } = s as unknown as Record<string, Record<string, unknown>>
      await s.update((state) => void ((state.profile as { visits: number }).visits = 2))
      // The other key is as it was, and so is its object.
      other!.n = 2
      profile!.name = 'Ann'
    })
    expect(await visitor.ask((s) => [s.profile, s.other])).toEqual([{ visits: 2 }, { n: 2 }])
    await visitor.ask(async (s) => {
      const old = s.profile
      await s.update((state) => void ((state.profile as { visits: number }).visits = 3))
      ;(s.profile as Record<string, unknown>).name = 'Bob'
      return old
    })
    expect(await visitor.ask((s) => s.profile)).toEqual({ visits: 3, name: 'Bob' })
  })
  expect(warnings).toEqual([expect.stringMatching(/^profile was changed .*read req\.session\.profile again/)])
})
