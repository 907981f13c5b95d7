import { Site, type Handler } from '../support/site'

it('a Secure cookie is not sent on an insecure connection, which is reported once, with the likely reason', async () => {
  const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  const change: Handler = (s) => void (s.n = 1)
  const site = await Site.open({ cookie: { secure: true } })
  for (let i = 0; i < 3; i++) {
    const { status, setCookies } = await site.visitor().visit(change)
    expect([status, setCookies]).toEqual([200, []])
  }
  expect(warnings.mock.calls).toEqual([
    [expect.stringMatching(/trust proxy.*cookie\.secure/s), { code: 'HOLDFAST_INSECURE_CONNECTION' }]
  ])
  warnings.mockRestore()

  const proxied = await Site.open({ cookie: { secure: true }, proxy: true })
  const secure = { headers: { 'x-forwarded-proto': 'https' } }
  expect((await proxied.visitor().visit(change, secure)).setCookies[0]).toContain('; Secure')
})
