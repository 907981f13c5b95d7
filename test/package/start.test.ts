import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Project } from './project'

const root = join(__dirname, '../..')
const SOURCES = ['.npmrc', 'demo', 'lib', 'package.json', 'package-lock.json', 'scripts', 'tsconfig.json']

const clone = new Project()
let child: ChildProcess | undefined
afterAll(async () => {
  if (child?.exitCode === null) {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  clone.remove()
})

test('npm start in a fresh clone shows the page, and puts less than 50 MB on the disk', async () => {
  for (const name of [...SOURCES, 'tsconfig.demo.json']) {
    const filter = (path: string): boolean => !['node_modules', 'build'].includes(basename(path))
    cpSync(join(root, name), join(clone.folder, name), { recursive: true, filter })
  }
  child = spawn('npm', ['start'], {
    cwd: clone.folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const page = await fetch(await address(child))
  expect(await page.text()).toContain('Holdfast')
  child.kill('SIGTERM')
  await once(child, 'close')
  expect(sizeOf(clone.folder)).toBeLessThan(50e6)
})

test('the demo has the packages that it is tested with', () => {
  const [tested, demo] = ['package-lock.json', 'demo/package-lock.json'].map(packagesIn) as [
    Packages,
    Packages
  ]
  const { dependencies = {}, devDependencies = {} } = demo['']!
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const path = `node_modules/${name}`
    expect({ name, version: demo[path]?.version }).toEqual({ name, version: tested[path]?.version })
  }
})

async function address(server: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of server.stdout!.iterator({ destroyOnReturn: false })) {
    output += String(chunk)
    const [url] = /http:\/\/\S+:\d+/.exec(output) ?? []
    if (url) return url
  }
  throw new Error(`it did not start: ${output}`)
}

type Packages = Record<string, { version?: string; dependencies?: object; devDependencies?: object }>

function packagesIn(file: string): Packages {
  return (JSON.parse(readFileSync(join(root, file), 'utf8')) as { packages: Packages }).packages
}

function sizeOf(path: string): number {
  const { size } = lstatSync(path)
  if (!lstatSync(path).isDirectory()) return size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), size)
}
