import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Redis from 'ioredis'
import { HELP } from '../../lib/cli/help'
import { freePort, startRedis, type RedisServer } from '../support/redis-server'
import { atEnd } from '../support/serve'
import { holdfast, json, runProcess } from './cli'

const SESSION_SECRET = 'what signs the cookies in the tests of the core'

describe('secret', () => {
  test('prints 32 random bytes, others each time', async () => {
    const runs = [await runProcess(['secret']), await runProcess(['secret'])]
    for (const { status, stdout, stderr } of runs) {
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^[\w-]{43}\n$/)
    }
    expect(runs[0]!.stdout).not.toBe(runs[1]!.stdout)
  })

  test('for programs, as JSON', async () => {
    expect(await json(['secret'])).toEqual({ secret: expect.stringMatching(/^[\w-]{43}$/) })
  })
})

describe('help', () => {
  test.each([[['--help']], [['-h']], [['list', '--help']], [['inspect', '-h']]])('%s', async (args) => {
    expect(await holdfast(args)).toEqual({ status: 0, stdout: `${HELP}\n`, stderr: '' })
  })

  test('is what comes without a command, as an error', async () => {
    for (const run of [runProcess, holdfast])
      expect(await run([])).toEqual({ status: 2, stdout: '', stderr: `${HELP}\n` })
  })

  test('is what the document shows', () => {
    const document = readFileSync(join(__dirname, '../../docs/cli.md'), 'utf8')
    expect(document).toContain(`\`\`\`text\n${HELP}\n\`\`\`\n`)
  })
})

test.each([['--version'], ['-v']])('%s prints the version of the package', async (option) => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  expect(await runProcess([option])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

describe('what is wrong is said in a sentence', () => {
  test.each<[string, string[], Record<string, string>, string]>([
    ['no such command', ['fly'], {}, 'there is no command fly: holdfast --help lists them'],
    ['a misspelt command', ['scret'], {}, 'there is no command scret, did you mean secret?'],
    ['no such option', ['list', 'ann', '--fast'], {}, 'there is no option --fast'],
    [
      'a misspelt option',
      ['inspect', 'x', '--nme', 'y'],
      {},
      'there is no option --nme, did you mean --name?'
    ],
    ["another command's option", ['list', 'ann', '--unsigned'], {}, 'holdfast list has no option --unsigned'],
    [
      'an option without its value',
      ['list', 'ann', '--prefix'],
      {},
      "Option '--prefix <value>' argument missing"
    ],
    ['nothing to inspect', ['inspect'], { SESSION_SECRET }, 'holdfast inspect takes one cookie'],
    ['an empty user', ['list', ''], {}, 'holdfast list takes one user'],
    ['two users', ['destroy', 'ann', 'bob'], {}, 'holdfast destroy takes one user'],
    ['too much', ['secret', 'x'], {}, 'holdfast secret takes no argument'],
    ['no secret', ['inspect', 's:x'], {}, 'set SESSION_SECRET'],
    ['an empty secret', ['inspect', 's:x'], { SESSION_SECRET: ',' }, 'set SESSION_SECRET'],
    ['no Redis', ['list', 'ann'], {}, 'set REDIS_URL'],
    ['no URL', ['destroy', 'ann'], { REDIS_URL: 'localhost' }, 'REDIS_URL must begin with redis://'],
    [
      'no number of a database',
      ['list', 'ann'],
      { REDIS_URL: 'redis://h/x' },
      'REDIS_URL is no URL of a Redis'
    ],
    [
      'a URL with a broken escape',
      ['list', 'ann'],
      { REDIS_URL: 'redis://%z' },
      'REDIS_URL is no URL of a Redis'
    ],
    ['a header without it', ['inspect', 'a=b; c=d'], { SESSION_SECRET }, 'there is no cookie sid in it'],
    ['a header with two', ['inspect', 'sid=b; sid=d'], { SESSION_SECRET }, 'there are several cookies sid']
  ])('%s', async (_, args, env, message) => {
    const { status, stdout, stderr } = await holdfast(args, env)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`holdfast: ${message}`)
    expect(stderr.trimEnd()).not.toContain('\n')
  })
})

describe('a server', () => {
  let redis: RedisServer
  beforeAll(async () => {
    redis = atEnd(await startRedis({ args: ['--requirepass', 'opensesame'] }), (it) => it.stop())
  })

  const list = (url: string, run = holdfast) => run(['list', 'ann'], { REDIS_URL: url })

  test('that is not there', async () => {
    const port = await freePort()
    const { status, stderr } = await list(`redis://:opensesame@127.0.0.1:${port}`, runProcess)
    expect([status, stderr]).toEqual([
      2,
      `holdfast: Redis at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}\n`
    ])
  })

  test('that wants a password, or another one', async () => {
    const [none, wrong, right] = await Promise.all(
      ['', ':wrong@', ':opensesame@'].map((password) => list(`redis://${password}127.0.0.1:${redis.port}`))
    )
    expect([none!.status, none!.stderr]).toEqual([2, expect.stringContaining('NOAUTH')])
    expect([wrong!.status, wrong!.stderr]).toEqual([2, expect.stringContaining('WRONGPASS')])
    expect(right).toMatchObject({ status: 1, stderr: '' })
  })

  test('that refuses', async () => {
    const rights = ['on', '>x', '~*', '+info', '+client']
    const client = new Redis(`redis://:opensesame@127.0.0.1:${redis.port}`)
    await client.call('ACL', 'SETUSER', 'limited', ...rights)
    client.disconnect()
    const { status, stdout, stderr } = await list(`redis://limited:x@127.0.0.1:${redis.port}`)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^holdfast: .*\(Redis: NOPERM .*\n$/)
  })

  test('that does not answer', async () => {
    atEnd(redis, (it) => it.resume()).pause()
    const { status, stderr } = await list(`redis://:opensesame@127.0.0.1:${redis.port}`, runProcess)
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^holdfast: Redis at 127\.0\.0\.1:\d+: .+\n$/)
    ])
  })
})
