import { takes } from '../support/counting-store'
import { login, Site, type Bag } from '../support/site'

describe('genid', () => {
  it.each([undefined, '', 'a b', 'a'.repeat(129), 'ä', 7, null, 'a;b', 'a\n'])(
    '%j is refused',
    async (id) => {
      const site = await Site.open({ genid: () => id as string })
      const { status, setCookies } = await site.visitor().visit((s) => void (s.n = 1))
      expect([status, setCookies, site.store.log]).toEqual([500, [], ''])
      expect(site.errors).toMatchObject([
        { code: 'ERR_SESSION_OPTIONS', message: expect.stringContaining('genid') }
      ])
    }
  )

  it('gets the request, and is not asked where nothing is stored', async () => {
    const genid = jest.fn((req: { url?: string }) => `id-of-${req.url!.slice(1)}`)
    const site = await Site.open({ genid })
    const visitor = site.visitor()
    await visitor.visit((s) => s.n, { path: '/nothing' })
    expect(genid).not.toHaveBeenCalled()
    await visitor.visit((s) => void (s.n = 1), { path: '/something' })
    expect([visitor.id, genid.mock.calls.length]).toEqual(['id-of-something', 1])
  })

  it('that throws is an error of the request', async () => {
    const site = await Site.open({
      genid() {
        throw new Error('no id today')
      }
    })
    expect((await site.visitor().visit((s) => void (s.n = 1))).status).toBe(500)
    expect(site.errors[0]?.message).toBe('no id today')
  })

  it('that gives an id in use never touches the session of somebody else', async () => {
    const site = await Site.open({ genid: () => 'always-the-same' })
    const first = site.visitor()
    await first.ask((s) => void (s.user = 'first'))
    for (const attempt of [
      (s: Bag) => void (s.user = 'second'),
      (s: Bag) => s.save(),
      (s: Bag) => s.update((draft) => void (draft.user = 'second')),
      (s: Bag) => login(s),
      (s: Bag) => void (s.big = 1n),
      (s: Bag) => void (s.cookie.path = ';')
    ]) {
      const second = site.visitor()
      const { status, setCookies } = await second.visit(attempt)
      expect([status, setCookies]).toEqual([500, []])
    }
    await new Promise(setImmediate)
    expect(await first.ask((s) => s.user)).toBe('first')
  })

  it('that gives the same id to requests at once: one has it, the others fail', async () => {
    const site = await Site.open({ genid: () => 'always-the-same' })
    site.store.always(takes(20), 'set')
    const answers = await Promise.all(
      [1, 2, 3].map((user) => site.visitor().visit((s) => void (s.user = user)))
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 500, 500])
    const winner = answers.findIndex(({ status }) => status === 200) + 1
    expect(await site.stored('always-the-same')).toMatchObject({ user: winner })
  })

  it('that gives an id in use for a login: the old session lives, as does the other’s', async () => {
    let id = 'first'
    const site = await Site.open({ genid: () => id })
    const first = site.visitor()
    await first.ask((s) => void (s.user = 'first'))
    id = 'second'
    const second = site.visitor()
    await second.ask((s) => void (s.user = 'second'))
    id = 'first'
    for (const keep of [undefined, true] as const) {
      expect((await second.visit((s) => login(s, keep))).status).toBe(500)
    }
    expect([await first.ask((s) => s.user), await second.ask((s) => s.user)]).toEqual(['first', 'second'])
  })
})
