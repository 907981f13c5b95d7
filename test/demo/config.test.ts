import { readConfig, StartError } from '../../demo/config'

it('has defaults for everything', () => {
  expect(readConfig({})).toEqual({
    port: 4000,
    host: '127.0.0.1',
    store: 'memory',
    redisUrl: undefined,
    secret: undefined,
    secretFile: undefined,
    allowedOrigins: [],
    allowedHosts: []
  })
})

it('takes an empty variable for one that is not set', () => {
  const empty = {
    PORT: '',
    HOST: '',
    STORE: '',
    REDIS_URL: '',
    SECRET: '',
    SECRET_FILE: '',
    ALLOWED_ORIGIN: '',
    ALLOWED_HOST: ''
  }
  expect(readConfig(empty)).toEqual(readConfig({}))
})

it('reads several origins', () => {
  const { allowedOrigins } = readConfig({ ALLOWED_ORIGIN: 'http://127.0.0.1:8080, https://shop.example,' })
  expect(allowedOrigins).toEqual(['http://127.0.0.1:8080', 'https://shop.example'])
})

it('takes Redis where it is, unless STORE says otherwise', () => {
  const REDIS_URL = 'redis://127.0.0.1:6379'
  expect(readConfig({ REDIS_URL }).store).toBe('redis')
  for (const STORE of ['memory', 'redis', 'cookie'])
    expect(readConfig({ REDIS_URL, STORE }).store).toBe(STORE)
  expect(readConfig({ STORE: 'cookie' }).store).toBe('cookie')
})

it.each([
  ['PORT', 'abc'],
  ['PORT', '65536'],
  ['PORT', '-1'],
  ['PORT', '80.5'],
  ['STORE', 'Cookie'],
  ['STORE', 'redis'],
  ['REDIS_URL', '127.0.0.1:6379'],
  ['REDIS_URL', 'http://127.0.0.1:6379'],
  ['ALLOWED_HOST', 'demo.example:80'],
  ['ALLOWED_HOST', 'Demo.example'],
  ['ALLOWED_HOST', 'http://demo.example'],
  ['ALLOWED_ORIGIN', '*'],
  ['ALLOWED_ORIGIN', 'null'],
  ['ALLOWED_ORIGIN', '127.0.0.1:8080'],
  ['ALLOWED_ORIGIN', 'http://127.0.0.1:8080/'],
  ['ALLOWED_ORIGIN', 'http://Shop.example'],
  ['ALLOWED_ORIGIN', 'file:///index.html']
])('refuses %s=%s by name, in one line', (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(StartError)
  expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}.*$`))
})

it('does not repeat the password of a URL that it refuses', () => {
  expect(() => readConfig({ REDIS_URL: 'rediz://:hunter2@localhost' })).toThrow(/^(?!.*hunter2)/s)
})
