import flash from 'connect-flash'
import { Browser } from '../../support/browser'
import { options, type Platform, platforms, sessionOf } from '../support/implementations'

describe.each(platforms)('connect-flash with $name', (platform) => {
  let browser: Browser

  beforeEach(async () => {
    browser = await Browser.open(application(platform))
  })

  test('a message waits behind a redirect, and is shown once', async () => {
    const { path, text } = await browser.post('/send', { to: 'ann' })
    expect([path, JSON.parse(text)]).toEqual(['/messages', ['sent to ann']])
    expect(await browser.json('/messages')).toEqual([])
  })

  test('messages are collected by their kind, over several requests', async () => {
    await browser.post('/warn', { text: 'one' })
    await browser.post('/warn', { text: 'two' })
    await browser.post('/send?stay', { to: 'bob' })
    expect(await browser.json('/all')).toEqual({ warning: ['one', 'two'], info: ['sent to bob'] })
    expect(await browser.json('/all')).toEqual({})
  })

  test('nobody sees the messages of another visitor', async () => {
    await browser.post('/warn', { text: 'one' })
    expect(await browser.stranger().json('/all')).toEqual({})
    expect(await browser.json('/all')).toEqual({ warning: ['one'] })
  })

  test('a message without a session is an error of the application', async () => {
    await browser.post('/warn', { text: 'one' })
    const { status, text } = await browser.post('/destroy')
    expect([status, text]).toEqual([200, 'req.flash() requires sessions'])
    expect(await browser.json('/all')).toEqual({})
  })
})

function application({ session, express }: Platform) {
  const app = express()
  app.use(express.urlencoded({ extended: false }), session(options), flash())
  app.post('/send', (req, res) => {
    req.flash('info', 'sent to %s', req.body.to)
    if ('stay' in req.query) res.end()
    else res.redirect('/messages')
  })
  app.post('/warn', (req, res) => {
    req.flash('warning', req.body.text)
    res.end()
  })
  app.get('/messages', (req, res) => void res.json(req.flash('info')))
  app.get('/all', (req, res) => void res.json(req.flash()))
  app.post('/destroy', (req, res) => {
    sessionOf(req).destroy(() => {
      try {
        req.flash('info', 'too late')
        res.send('stored')
      } catch (error) {
        res.send((error as Error).message)
      }
    })
  })
  return app
}
