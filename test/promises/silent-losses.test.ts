import { setTimeout as delay } from 'node:timers/promises'
import dropIn from '../../lib/express-session'
import { listen } from '../support/events'
import { atEnd } from '../support/serve'
import { returning, Site, until, type Bag, type Handler } from '../support/site'
import { both, Site as DropInSite } from '../express-session/support/both'
import { hearWarnings } from '../support/hold-listeners'

/** Keeps to itself what is nobody's business, as many models do. */
class Basket {
  readonly secret = 'x'
  constructor(readonly weight: unknown) {}

  toJSON(): object {
    const { secret: _secret, ...rest } = this
    return { items: [rest] }
  }
}

interface RawJSON extends JSON {
  rawJSON(text: string): unknown
}

const VALUES: [string, () => unknown][] = [
  ['Map', () => new Map([['a', 1]])],
  ['Set', () => new Set([1])],
  ['WeakMap', () => new WeakMap()],
  ['Promise', () => Promise.resolve(1)],
  ['RegExp', () => /a/],
  ['Error', () => new Error('of the application')],
  ['function', () => () => 1],
  ['symbol', () => Symbol('of the application')],
  ['NaN', () => NaN],
  ['Infinity', () => Infinity],
  // Node 20 has none.
  ...('rawJSON' in JSON
    ? [['raw JSON text', () => (JSON as RawJSON).rawJSON('1')] as [string, () => unknown]]
    : [])
]

describe('what JSON would lose is refused, by the name of its key and its type', () => {
  const WAYS: [string, (s: Bag, value: unknown) => unknown][] = [
    ['at the end of the response', (s, value) => void (s.basket = value)],
    ['deep inside', (s, value) => void (s.basket = { items: ['apple', { weight: value }] })],
    ['in what toJSON makes', (s, value) => void (s.basket = new Basket(value))],
    [
      'by save',
      async (s, value) => {
        s.basket = value
        await s.save()
      }
    ],
    ['by update', (s, value) => s.update((draft) => void (draft.basket = value))]
  ]

  test.each(VALUES.flatMap(([type, make]) => WAYS.map(([way, put]) => ({ type, make, way, put }))))(
    'a value of the type $type, $way',
    async ({ type, make, way, put }) => {
      const { site, visitor } = await returning()
      const { status } = await visitor.visit((s) => put(s, make()))
      expect([status, site.errors.map(({ code }) => code)]).toEqual([500, ['ERR_SESSION_DATA']])
      const { message } = site.errors[0]!
      expect(message).toContain(type)
      for (const key of way === 'deep inside' || way === 'in what toJSON makes'
        ? ['basket', 'items', 'weight']
        : ['basket']) {
        expect(message).toContain(key)
      }
      expect(message).not.toContain('of the application')
      expect(await site.stored(visitor.id)).not.toHaveProperty('basket')
    }
  )

  test('what is undefined, or says by toJSON what it is, is no loss', async () => {
    const { visitor } = await returning()
    await visitor.ask(
      (s) => void Object.assign(s, { a: undefined, b: { toJSON: () => 'b' }, c: [null, 0, ''] })
    )
    expect(await visitor.ask(({ a, b, c }) => [a ?? 'none', b, c])).toEqual(['none', 'b', [null, 0, '']])
  })
})

describe('a value that says by toJSON what is kept of it', () => {
  test.each<[string, object]>([
    ['nothing', { toJSON: () => undefined }],
    ['nothing, in a list', [{ toJSON: () => undefined }]],
    ['a Date, which JSON asks nothing more', { toJSON: () => new Date() }],
    [
      'itself over and over',
      {
        toJSON() {
          return [this, this]
        }
      }
    ],
    [
      'an error',
      {
        toJSON() {
          throw new Error('of the application')
        }
      }
    ]
  ])('is refused if that is %s', async (_, value) => {
    const { site, visitor } = await returning()
    expect((await visitor.visit((s) => void (s.basket = value))).status).toBe(500)
    expect(site.errors.map(({ code }) => code)).toEqual(['ERR_SESSION_DATA'])
    expect(await site.stored(visitor.id)).not.toHaveProperty('basket')
  })

  test.each<[string, (s: Bag) => unknown]>([
    ['save', (s) => s.save()],
    ['touch', (s) => s.touch()],
    ['reload', (s) => s.reload()],
    ['destroy', (s) => s.destroy()],
    ['regenerate', (s) => s.regenerate()],
    ['update', (s) => s.update((draft) => void (draft.n = 2))]
  ])('is refused if that calls %s of its session, and nobody waits for ever', async (_, call) => {
    const { site, visitor } = await returning()
    const { status } = await visitor.visit((s) => {
      s.basket = { toJSON: () => typeof (call(s) as Promise<unknown>).catch(() => undefined) }
    })
    expect([status, site.errors.map(({ code }) => code)]).toEqual([500, ['ERR_SESSION_DATA']])
    expect(site.errors[0]!.message).toContain('toJSON')
    expect(await site.stored(visitor.id)).not.toHaveProperty('basket')
  })

  test('is refused by the drop-in as well if that calls save', async () => {
    const site = await DropInSite.of(dropIn, {}, ({ session }, res) => {
      session.basket = { toJSON: () => typeof session.save(() => undefined) }
      res.end()
    })
    const { status, text } = await site.get()
    expect([status, text]).toEqual([500, expect.stringContaining('toJSON')])
  })

  test.each<[string, object, unknown]>([
    ['itself', Object.assign(new Basket(1), { toJSON() { return this } }), { secret: 'x', weight: 1 }], // prettier-ignore
    ['plain data', new Basket(1), { items: [{ weight: 1 }] }],
    ['null', { toJSON: () => null }, null],
    ['the name of its key', { toJSON: (key: string) => key.toUpperCase() }, 'BASKET'],
    ['what says itself what it is', { toJSON: () => [new Basket(1)] }, [{ items: [{ weight: 1 }] }]],
    ['the list of its bytes', Buffer.from('b'), { type: 'Buffer', data: [98] }],
    ['the moment', new Date(0), '1970-01-01T00:00:00.000Z']
  ])('is kept if that is %s', async (_, value, kept) => {
    const { visitor } = await returning()
    await visitor.ask((s) => void (s.basket = value))
    expect(await visitor.ask((s) => s.basket)).toEqual(kept)
  })
})

describe('the drop-in takes what express-session takes, and says once on a channel what is lost', () => {
  test.each(VALUES)('a value of the type %s', async (type, make) => {
    const lossy = listen()['holdfast:lossy']
    const texts: string[] = []
    for (const [, implementation] of both) {
      const site = await DropInSite.of(implementation, {}, (req, res) => {
        if (req.url === '/read') return void res.end(JSON.stringify(req.session))
        const value = make()
        // Node would end the process over one that nobody waits for.
        if (value instanceof Promise) value.catch(() => undefined)
        req.session[`of ${type}`] = value
        req.session.n = 1
        res.end()
      })
      expect((await site.get()).status).toBe(200)
      await site.get()
      const { cookie: _cookie, ...data } = JSON.parse((await site.get('/read')).text) as object & {
        cookie: unknown
      }
      texts.push(JSON.stringify(data))
    }
    expect(texts[1]).toBe(texts[0])
    expect(lossy).toEqual([{ key: `of ${type}`, type }])
  })
})

describe('a session that regenerate replaced takes no more changes', () => {
  const refused = (write: () => unknown) => {
    try {
      write()
      return 'taken'
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return error instanceof TypeError || (code === 'ERR_SESSION_GONE' && message.includes('regenerate()'))
        ? 'refused'
        : message
    }
  }

  test.each([[undefined], [true], [['n']]])('with keep: %j, once it is done', async (keep) => {
    const { visitor } = await returning()
    const outcomes = await visitor.ask(async (s) => {
      const fresh = await s.regenerate({ keep: keep as true })
      fresh.user = 'ann'
      return [
        refused(() => (s.user = 'bob')),
        refused(() => (s.n = 2)),
        refused(() => delete s.n),
        refused(() => Object.defineProperty(s, 'x', { value: 1, enumerable: true })),
        s.n
      ]
    })
    expect(outcomes).toEqual(['refused', 'refused', 'refused', 'refused', 1])
    expect(await visitor.ask((s) => s.user)).toBe('ann')
  })

  test('and the request whose handler does not know it is not answered with 200', async () => {
    const { visitor } = await returning()
    const { status } = await visitor.visit(async (s) => {
      await s.regenerate()
      s.user = 'ann'
    })
    expect(status).toBe(409)
    expect(await visitor.ask((s) => s.user ?? 'nobody')).toBe('nobody')
  })

  test.each<[string, Handler]>([
    [
      'assigns to the old object',
      (s) => {
        void s.regenerate()
        s.user = 'ann'
      }
    ],
    [
      'assigns while something is in front of it',
      (s, req) => {
        void s.save()
        void s.regenerate()
        ;(req as unknown as { session: Bag }).session.user = 'ann'
      }
    ],
    [
      'changes a nested value',
      (s) => {
        void s.regenerate()
        ;(s.list as number[]).push(2)
      }
    ]
  ])('a handler that does not wait for it and %s is told: 409', async (_name, handler) => {
    const { site, visitor } = await returning({}, { n: 1, list: [1] })
    const { status } = await visitor.visit(handler)
    expect([status, site.errors.map(({ code }) => code)]).toEqual([409, ['ERR_SESSION_GONE']])
  })

  test('a handler that does not wait for it and assigns to req.session has what it assigned', async () => {
    const { visitor } = await returning()
    const { status } = await visitor.visit((s, req) => {
      void s.regenerate()
      ;(req as unknown as { session: Bag }).session.user = 'ann'
    })
    expect([status, await visitor.ask((s) => s.user)]).toEqual([200, 'ann'])
  })

  test('a handler that does not wait for it and changes nothing is answered', async () => {
    const { visitor } = await returning()
    const { status } = await visitor.visit((s) => void s.regenerate({ keep: true }))
    expect([status, await visitor.ask((s) => s.n)]).toEqual([200, 1])
  })
})

test('a codec that drops the keys it does not know drops none of what Holdfast keeps', async () => {
  const known = ({ n }: { n?: unknown }) => ({ n })
  const { visitor } = await returning({
    codec: {
      encode: (data) => JSON.stringify(known(data)),
      decode: (text) => known(JSON.parse(text) as object)
    }
  })
  const handle = await visitor.ask((s) => s.handle)
  await visitor.ask((s) => void Object.assign(s, { n: 2, unknown: 1 }))
  expect(await visitor.ask((s) => [s.handle, s.n, s.unknown ?? 'dropped'])).toEqual([handle, 2, 'dropped'])
})

test('a change to a nested value of the session that regenerate replaced is a 409 that says what to take', async () => {
  const { site, visitor } = await returning({}, { list: [1] })
  const { status } = await visitor.visit(async (s) => {
    await s.regenerate()
    ;(s.list as number[]).push(2)
  })
  expect([status, site.errors.map(({ message }) => message)]).toEqual([
    409,
    [expect.stringContaining('await regenerate(), and take what it resolves to')]
  ])
})

test('the result of a call without await is refused as the promise that it is', async () => {
  const { site, visitor } = await returning()
  await visitor.visit((s) => void (s.n = s.update((draft) => draft.n)))
  expect(site.errors).toMatchObject([{ message: expect.stringMatching(/cannot keep n, which is a Promise/) }])
})

test('a change of the promise of load, where a lazy session was meant, is told', async () => {
  const { warnings, end } = hearWarnings()
  atEnd(end, (stop) => stop())
  const site = await Site.open({ load: 'lazy' })
  await site.visitor().visit((s) => void Object.assign(s.load(), { user: 'ann' }))
  await until(() =>
    warnings.some(({ message }) => message.includes('user was set on the promise that load() returned'))
  )
})

describe('a change that comes too late is told', () => {
  /** Looks for so long, and says whether it came about. */
  async function soon(holds: () => boolean): Promise<boolean> {
    const end = performance.now() + 30_000
    while (!holds() && performance.now() < end) await delay(5)
    return holds()
  }

  test('the first of a new session, after a part of the response: an error or a message, and a line on the console', async () => {
    const lost = listen()['holdfast:dropped']
    const { warnings, end } = hearWarnings()
    atEnd(end, (stop) => stop())
    const site = await Site.open()
    const visit = site.visitor().visit((s, _req, res) => {
      res.write('a part')
      s.user = 'ann'
      res.end('the rest')
    })
    // The client may see a response that breaks off.
    await visit.catch(() => undefined)
    expect(await soon(() => site.errors.length + lost.length > 0)).toBe(true)
    expect(
      await soon(() =>
        warnings.some((one) => String((one as { code?: unknown }).code).startsWith('HOLDFAST'))
      )
    ).toBe(true)
  })

  test.each([
    ['that is stored', true],
    ['that is new', false]
  ])('one after the end of the response, of a session %s', async (_name, isStored) => {
    const lost = listen()['holdfast:dropped']
    const { site, visitor } = await returning()
    const who = isStored ? visitor : site.visitor()
    let isRefused = false
    await who.visit((s, _req, res) => {
      s.m = 1
      res.on('finish', () => {
        setTimeout(() => {
          try {
            s.user = 'ann'
          } catch {
            isRefused = true
          }
        }, 1)
      })
    })
    expect(await soon(() => isRefused || lost.length > 0)).toBe(true)
    expect(await who.ask((s) => s.user ?? 'nobody')).toBe('nobody')
  })
})
