import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buildLibrary } from './build'
import { manifest, modulePath, Project, succeed } from './project'

/** What `two-copies.cjs` prints of each store that it tries. */
interface Seen {
  readonly alone: unknown
  readonly inert: unknown
  readonly mine: unknown
  readonly theirs: unknown
  readonly afterwards: unknown
  /** Logouts of ten that a change which was sent with them brought back. */
  readonly undone: number
  /** Changes of two that were made at once. */
  readonly lost: number
}
type Output = { copies: number } & Record<string, Seen | number>

const PROGRAM = readFileSync(join(__dirname, 'two-copies.cjs'), 'utf8')
const ALIAS = join(__dirname, '../../packages/express-session')
const BELOW = 'node_modules/dependency/node_modules'
const projects: Project[] = []
let real: Output

beforeAll(async () => {
  buildLibrary()
  real = await run((project) => {
    const library = modulePath('express-session')
    for (const name of Object.keys(manifest(library).dependencies)) {
      if (!existsSync(join(library, 'node_modules', name))) link(project, name)
    }
    for (const folder of ['node_modules', BELOW]) project.copy(library, `${folder}/express-session`)
  })
})
afterAll(() => {
  for (const project of projects) project.remove()
})

/** An application with Express, and with a package that asks for an express-session of its own. */
async function run(install: (project: Project) => void): Promise<Output> {
  const project = new Project()
  projects.push(project)
  project.write('node_modules/dependency/index.js', "module.exports = require('express-session')")
  for (const name of ['express', 'passport']) link(project, name)
  install(project)
  project.write('main.cjs', PROGRAM)
  // On a busy machine a store may be slow enough for a warning.
  const args = ['--no-warnings', 'main.cjs']
  return JSON.parse(await succeed(process.execPath, args, project.folder)) as Output
}

const link = ({ folder }: Project, name: string) =>
  symlinkSync(modulePath(name), join(folder, 'node_modules', name))

describe('with the alias in an application and in a package that it depends on', () => {
  test.each([
    { title: 'each with a library of its own', aliases: ['node_modules', BELOW], own: true, copies: 2 },
    { title: 'with one library for both', aliases: ['node_modules', BELOW], own: false, copies: 1 },
    { title: 'hoisted to one place', aliases: ['node_modules'], own: false, copies: 1 }
  ])(
    '$title: what works with express-session twice works, and nothing is undone',
    async ({ aliases, own, copies }) => {
      const ours = await run((project) => {
        project.link([])
        for (const folder of aliases) project.copy(ALIAS, `${folder}/express-session`)
        if (own) project.copy(join(project.folder, 'node_modules/holdfast'), `${BELOW}/holdfast`)
      })
      expect([real.copies, ours.copies]).toEqual([2, copies])
      for (const [store, theirs] of Object.entries(real)) {
        if (typeof theirs === 'number') continue
        expect(theirs.undone).toBe(0)
        expect({ [store]: ours[store] }).toEqual({ [store]: { ...theirs, lost: 0 } })
      }
    }
  )
})
