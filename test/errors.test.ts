import { SessionError } from '../lib'

describe('SessionError', () => {
  it.each([
    ['ERR_SESSION_OPTIONS', 500],
    ['ERR_SESSION_NOT_LOADED', 500],
    ['ERR_SESSION_STORE', 503],
    ['ERR_SESSION_TIMEOUT', 503],
    ['ERR_SESSION_GONE', 409],
    ['ERR_SESSION_DATA', 500],
    ['ERR_SESSION_HEADERS_SENT', 500]
  ] as const)('%s has the status %d, under both of its names', (code, status) => {
    const error = new SessionError(code, 'what happened')
    expect(error).toMatchObject({
      name: 'SessionError',
      message: 'what happened',
      code,
      status,
      statusCode: status
    })
    expect(error).toBeInstanceOf(Error)
    expect(error.headers).toBeUndefined()
  })

  it('carries its cause', () => {
    const cause = new Error('down')
    expect(new SessionError('ERR_SESSION_STORE', 'x', { cause }).cause).toBe(cause)
    expect('cause' in new SessionError('ERR_SESSION_STORE', 'x')).toBe(false)
  })
})
