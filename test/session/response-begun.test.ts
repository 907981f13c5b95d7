import { codeOf } from '../support/outcome'
import { returning, Site, type Handler } from '../support/site'

const KEPT = { n: 1 }

describe('after the headers have gone', () => {
  const begin: Handler = async (_s, _req, res) => {
    res.write('begin')
    await new Promise<void>((resolve) => res.write('.', () => resolve()))
  }

  it('changes are committed before the end', async () => {
    const { site, visitor } = await returning()
    const { text } = await visitor.visit(async (s, req, res) => {
      await begin(s, req, res)
      s.n = 2
      res.end('end')
    })
    expect(text).toBe('begin.end')
    expect(await site.stored(visitor.id)).toMatchObject({ n: 2 })
  })

  it('a session cannot be created any more: an error, before anything is stored', async () => {
    const site = await Site.open()
    const codes: string[] = []
    await site.visitor().visit(async (s, req, res) => {
      await begin(s, req, res)
      s.n = 2
      codes.push(await codeOf(s.save()), await codeOf(s.update((draft) => void (draft.n = 3))))
      codes.push(await codeOf(s.regenerate()))
      res.end()
    })
    expect(codes).toEqual(Array(3).fill('ERR_SESSION_HEADERS_SENT'))
    expect(site.store.log).toBe('')
  })

  it('a login cannot happen any more: the old session stays', async () => {
    const { site, visitor } = await returning()
    await visitor
      .visit(async (s, req, res) => {
        await begin(s, req, res)
        const fresh = await s.regenerate()
        fresh.n = 2
        res.end()
      })
      .catch(() => undefined)
    expect(await site.stored(visitor.id)).toMatchObject(KEPT)
    expect(site.store.log).toBe('get')
  })

  it('nothing is noted as sent that could not be: the cookie is renewed by the next response', async () => {
    const { site, visitor } = await returning({ load: 'lazy', cookie: { maxAge: 60_000 } })
    const sent = async () => ((await site.stored(visitor.id))!['@'] as { sent: number }).sent
    const at = await sent()
    jest.spyOn(Date, 'now').mockReturnValue(at + 40_000)
    await visitor.visit(async (s, req, res) => {
      await begin(s, req, res)
      const loaded = await s.load()
      loaded.n = 2
      res.end()
    })
    expect(await sent()).toBe(at)
    const { setCookies } = await visitor.visit((s) => s.load().then(() => null))
    jest.restoreAllMocks()
    expect(setCookies).toHaveLength(1)
  })
})
