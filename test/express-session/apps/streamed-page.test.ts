import { asked, both, kept, Site } from '../support/both'

describe.each(both)('%s', (_name, session) => {
  test('a page that is being written when the first value comes into the session arrives whole', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      res.write('<html>')
      req.session.visited = true
      res.end('</html>')
    })
    const { status, text } = await site.get()
    expect([status, text]).toEqual([200, '<html></html>'])
  })

  test('a write after the end, while the session is being stored, does not end the process', async () => {
    const site = await Site.of(session, {}, (req, res) => {
      req.session.visited = true
      res.end('whole')
      res.write('too late')
    })
    expect((await site.get()).text).toMatch(/^whole/)
  })

  test('the order in which a web framework calls: touch, save, and the end', async () => {
    const site = await Site.of(session, { resave: true }, async (req, res) => {
      req.session.touch()
      req.session.flash = ['welcome']
      await asked((done) => req.session.save(done))
      res.setHeader('X-Framework', 'yes')
      res.statusCode = 201
      res.end('done')
    })
    const { status, headers } = await site.get()
    expect([status, headers['x-framework']]).toEqual([201, 'yes'])
    expect((await kept(site.store, site.id))?.flash).toEqual(['welcome'])
  })
})
