import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { Session } from 'node:inspector/promises'
import { createRequire, SourceMap } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import express from 'express'
import ts from 'typescript'
import { root } from './run.mjs'

// Prints the way of one request through lib/: a visitor returns, the handler changes the session, and MemoryStore keeps it.
// Functions are printed in the order of their first calls. Fails if the way is longer than it may be.

/**
 * What one changed request may pass through: no more than now. The goal is 26 files and 150 functions
 * (docs/decisions/0007-size-of-the-library.md).
 */
const BUDGET = { files: 26, functions: 150 }

// Development has checks of its own.
process.env.NODE_ENV = 'production'

/** By URL: the JavaScript that runs, and the map that leads from it to the lines of lib/. */
const sources = new Map()
const session = loadLibrary()
const app = express()
app.use(session({ secret: 'a secret of the script that shows the path' }))
app.get('/', (req, res) => {
  req.session.count = (req.session.count ?? 0) + 1
  res.end()
})
const server = createServer(app).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))

const inspector = new Session()
inspector.connect()
const scripts = new Map()
inspector.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.url, params.scriptId))
await inspector.post('Debugger.enable')
await inspector.post('Profiler.enable')
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

// The first visit makes a session, and nothing that happens only once is on the path.
const cookie = await visit(await visit())
// The timer of the first visits has rung then.
await new Promise((resolve) => setTimeout(resolve, 150))
await inspector.post('Profiler.takePreciseCoverage')
await visit(cookie)
const passed = functionsIn(await inspector.post('Profiler.takePreciseCoverage'))
await inspector.post('Profiler.stopPreciseCoverage')

const inOrderOfCalls = await inOrder(passed, () => visit(cookie))
inspector.disconnect()
server.close()
report(inOrderOfCalls)

/** The library as it is written: a build has other lines. */
function loadLibrary() {
  const require = createRequire(import.meta.url)
  const compilerOptions = { target: 'es2022', module: 'commonjs', esModuleInterop: true, sourceMap: true }
  require.extensions['.ts'] = (module, fileName) => {
    const source = readFileSync(fileName, 'utf8')
    const { outputText: text, sourceMapText } = ts.transpileModule(source, { fileName, compilerOptions })
    sources.set(pathToFileURL(fileName).href, { text, map: new SourceMap(JSON.parse(sourceMapText)) })
    module._compile(text, fileName)
  }
  return require(join(root, 'lib/index.ts'))
}

/** A visit that changes the session. Resolves to the cookie that the browser has afterwards. */
function visit(cookie) {
  return new Promise((resolve, reject) => {
    const { port } = server.address()
    const headers = cookie ? { cookie } : {}
    request({ port, host: '127.0.0.1', headers, agent: false }, (res) => {
      const [set] = res.headers['set-cookie'] ?? []
      res.resume().on('end', () => resolve(set?.split(';')[0] ?? cookie))
    })
      .on('error', reject)
      .end()
  })
}

function functionsIn({ result }) {
  return result
    .filter(({ url }) => sources.has(url))
    .flatMap(({ url, functions }) =>
      functions
        .map(({ functionName: name, ranges: [{ startOffset: start, endOffset: end, count }] }) => ({
          url,
          name,
          start,
          end,
          count
        }))
        // V8 makes a function of the fields of a class, which nobody wrote.
        .filter(({ name, count }) => count > 0 && name !== '<instance_members_initializer>')
    )
}

/** In the order of their first calls: a breakpoint in each function notes the call, and never stops. */
async function inOrder(functions, go) {
  const calls = new Set()
  globalThis.called = (index) => void calls.add(index)
  for (const [index, { url, start, end }] of functions.entries()) {
    const at = (offset) => ({ scriptId: scripts.get(url), ...positionOf(sources.get(url).text, offset) })
    const range = { start: at(start), end: at(end), restrictToFunction: true }
    const { locations } = await inspector.post('Debugger.getPossibleBreakpoints', range)
    await inspector.post('Debugger.setBreakpoint', { location: locations[0], condition: `called(${index})` })
  }
  await go()
  return [...calls].map((index) => functions[index])
}

function positionOf(text, offset) {
  const lines = text.slice(0, offset).split('\n')
  return { lineNumber: lines.length - 1, columnNumber: lines.at(-1).length }
}

function report(functions) {
  let last
  for (const one of functions) {
    const { text, map } = sources.get(one.url)
    const { lineNumber, columnNumber } = positionOf(text, one.start)
    const { originalLine } = map.findEntry(lineNumber, columnNumber)
    if (one.url !== last) console.log(relative(root, fileURLToPath(one.url)))
    last = one.url
    console.log(`  ${String(originalLine + 1).padStart(4)}  ${one.name || `in ${outerName(one, functions)}`}`)
  }
  const files = new Set(functions.map(({ url }) => url)).size
  console.log(
    `One changed request: ${files} files (at most ${BUDGET.files}), ` +
      `${functions.length} functions (at most ${BUDGET.functions})`
  )
  if (files > BUDGET.files || functions.length > BUDGET.functions) process.exitCode = 1
}

function outerName(inner, functions) {
  const outer = functions.filter(
    ({ url, name, start, end }) => url === inner.url && name && start <= inner.start && end >= inner.end
  )
  return outer.at(-1)?.name ?? 'its file'
}
