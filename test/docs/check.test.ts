import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeBlocks, type Block } from './blocks'
import { buildLibrary } from '../package/build'
import { check } from './check'
import { Apps } from './program'
import { Workshop } from './workshop'

const workshop = new Workshop()
const env = { WORD: 'hello' }
let apps: Apps
let samples = 0

beforeAll(() => {
  buildLibrary()
  apps = new Apps(env)
})
afterAll(async () => {
  await apps?.stop()
  workshop.remove()
})

/** Each in a file of its own: Node loads a file once. */
const blocks = (language: string, mark: string, ...codes: string[]): Block[] =>
  codes
    .flatMap((code) => codeBlocks('sample.md', `${mark}\n\`\`\`${language}\n${code}\n\`\`\``))
    .map((block) => ({ ...block, place: `sample.md:${++samples}` }))

async function outcome([block, ...others]: Block[]): Promise<string> {
  try {
    await check(block!, { workshop, apps, env, document: [block!, ...others] })
    return 'fine'
  } catch (error) {
    return (error as Error).message
  }
}

describe('code', () => {
  test.each([
    ['without a mark', ''],
    ['with an unknown mark', '<!-- test: perhaps -->'],
    ['that is excused without a reason', '<!-- test: none -->']
  ])('%s fails', async (_, mark) => {
    expect(await outcome(blocks('ts', mark, 'export {}'))).toContain('no mark says how')
  })

  test('may be excused with a reason', async () => {
    expect(await outcome(blocks('ts', '<!-- test: none, it shows a mistake -->', '!'))).toBe('fine')
  })

  test('in a language without a rule fails', async () => {
    expect(await outcome(blocks('rust', '<!-- test: run -->', 'x'))).toBe('no rule for the language rust')
  })
})

describe('a program', () => {
  const mark = '<!-- test: run -->'

  test('has to compile', async () => {
    expect(await outcome(blocks('ts', mark, '\nconst n: number = "1"\nexport { n }'))).toContain(
      'line 2 of the block: Type'
    )
  })

  test.each(['ts', 'js'])('in %s has to end well', async (language) => {
    const code = (wanted: string): string =>
      `import process from 'node:process'\nprocess.exitCode = process.env.WORD === '${wanted}' ? 0 : 3`
    expect(await outcome(blocks(language, mark, code('hello')))).toBe('fine')
    expect(await outcome(blocks(language, mark, code('bye')))).toContain('exit status 3')
  })

  test('finds the library, by import and by require', async () => {
    expect(
      await outcome(blocks('ts', mark, "import session from 'holdfast'\nsession.name satisfies string"))
    ).toBe('fine')
    const code = "if (typeof require('holdfast') !== 'function') process.exit(1)"
    expect(await outcome(blocks('js', mark, code))).toBe('fine')
  })
})

describe('an app', () => {
  const app = `
    import { createServer } from 'node:http'
    createServer((req, res) => {
      res.setHeader('set-cookie', 'a=b; path=/')
      res.write([req.method, req.headers.cookie || 'stranger', ''].join(' '))
      req.pipe(res)
    }).listen(80)`

  test('is asked, as one visitor', async () => {
    const mark = '<!-- test: app\nPOST /x {"a":1} -> POST stranger {"a":1}\n\nGET / -> GET a=b \n-->'
    expect(await outcome(blocks('js', mark, app))).toBe('fine')
  })

  test('that answers otherwise fails', async () => {
    expect(await outcome(blocks('js', '<!-- test: app\nPUT / hi -> PUT stranger bye\n-->', app))).toBe(
      'PUT / was answered with 200 PUT stranger hi'
    )
  })

  test('may answer with something random, which later requests send back', async () => {
    const mark = '<!-- test: app\nPOST / [x-1] -> POST $who [x-1]\nPUT / "$who" -> PUT a=b "stranger"\n-->'
    expect(await outcome(blocks('js', mark, app))).toBe('fine')
    const other = '<!-- test: app\nPOST / [x-1] -> POST $who (x-1)\n-->'
    expect(await outcome(blocks('js', other, app))).toBe('POST / was answered with 200 POST stranger [x-1]')
  })

  test('that redirects is not followed', async () => {
    const there = app
      .replace('req.pipe(res)', "res.end('there')")
      .replace(
        'res.setHeader(',
        "if (req.url === '/a') return res.writeHead(303, { location: '/b' }).end('go')\n      res.setHeader("
      )
    const mark = '<!-- test: app\nGET /a -> go\nGET /b -> GET stranger there\n-->'
    expect(await outcome(blocks('js', mark, there))).toBe('fine')
  })

  test('that ends before it listens fails', async () => {
    expect(await outcome(blocks('js', '<!-- test: app -->', 'throw new Error("no port")'))).toContain(
      'no port'
    )
  })

  test('cannot be asked what is no request', async () => {
    expect(await outcome(blocks('js', '<!-- test: app\nsomething\n-->', app))).toContain('not a request')
  })
})

describe('a fragment', () => {
  const mark = '<!-- test: types -->'
  const use = 'req.session.visits = 1'

  test('finds an app around it', async () => {
    expect(await outcome(blocks('ts', mark, 'app.use(session({ secret }))'))).toBe('fine')
    expect(await outcome(blocks('ts', mark, 'app.youse()'))).toContain("Property 'youse' does not exist")
  })

  test('knows the session data that its document declares', async () => {
    const declaration =
      "import 'holdfast'\ndeclare module 'holdfast' { interface SessionData { visits?: number } }"
    expect(await outcome(blocks('ts', mark, use))).toContain("Property 'visits' does not exist")
    expect(await outcome(blocks('ts', mark, use, declaration))).toBe('fine')
  })

  test('that reads a key which nobody declared gets the message that is a heading of the troubleshooting page', async () => {
    const page = readFileSync(join(__dirname, '../../docs/troubleshooting.md'), 'utf8')
    const [heading] = /Property 'user' does not exist on type '.*'/.exec(page)!
    expect(await outcome(blocks('ts', mark, 'req.session.user'))).toContain(heading)
  })

  test('in JavaScript has no types', async () => {
    expect(await outcome(blocks('js', mark, use))).toContain('only TypeScript')
  })
})

describe('a file of the project', () => {
  const mark = '<!-- test: file demo/file-store.ts -->'
  const source = readFileSync(join(__dirname, '../../demo/file-store.ts'), 'utf8').trimEnd()
  const shown = source.replace('../lib/index', 'holdfast')

  test('is shown as it is, but for the way to the library', async () => {
    expect(shown).not.toBe(source)
    expect(await outcome(blocks('ts', mark, shown))).toBe('fine')
    expect(await outcome(blocks('ts', mark, source))).toBe('it is not what demo/file-store.ts holds')
    expect(await outcome(blocks('ts', mark, `${shown} // and more`))).toContain('it is not what')
  })

  test('is there for the other code of its document', async () => {
    const code = "import { FileStore } from './file-store.js'\nFileStore.prototype.touch satisfies object"
    const others = blocks('ts', mark, shown)
    const outcomes = ['run', 'types'].map((kind) =>
      outcome([...blocks('ts', `<!-- test: ${kind} -->`, code), ...others])
    )
    expect(await Promise.all(outcomes)).toEqual(['fine', 'fine'])
  })
})

describe('other blocks', () => {
  test('npm scripts exist', async () => {
    expect(await outcome(blocks('sh', '', 'PORT=1 npm start\nnpm run format && npm test'))).toBe('fine')
    expect(await outcome(blocks('bash', '', 'npm run fly'))).toBe('package.json has no script fly')
  })

  test('JSON is JSON', async () => {
    expect(await outcome(blocks('json', '', '{"a":1}'))).toBe('fine')
    expect(await outcome(blocks('json', '', '{a:1}'))).toContain('JSON')
  })

  test('what is only shown passes', async () => {
    expect(await outcome(blocks('text', '', 'a → b'))).toBe('fine')
  })
})
