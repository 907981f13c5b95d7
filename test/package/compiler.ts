import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { modulePath, type Project } from './project'
import { isLong } from '../support/long'

const COMPILERS = {
  '7': 'typescript7/bin/tsc',
  '6': 'typescript/lib/tsc.js',
  '5.9': 'typescript59/lib/tsc.js'
}
export type Version = keyof typeof COMPILERS

/** The compilers that applications use, the newest one first. */
export const VERSIONS: Version[] = ['7', '6', '5.9']

/** A declaration that names one of our files instead of an entry: it would break when the file moves. */
const PRIVATE = /import\("[^"]*\bdist\/[^"]*"\)/

/** A version of TypeScript. It compiles all applications in one run, and so parses their libraries once. */
export class Compiler {
  readonly #folders: string[] = []
  #messages: string[] | undefined

  constructor(readonly version: Version) {}

  /**
   * Tests an application, which is type-checked and has its own declarations written, which may name nothing private.
   *
   * @param files - texts by name
   * @param settings - `compilerOptions` as in `tsconfig.json`, which lies in `check/<number>/` of the project. With
   *   `skipLibCheck: false` also the declarations of all packages in the project are checked that are no links.
   * @param judge - of the compiler's messages, if there may be any
   */
  test(
    title: string,
    project: Project,
    files: Record<string, string>,
    settings: object,
    judge = (messages: string): void => expect(messages).toBe('')
  ): void {
    const folder = `check/${this.#folders.length}-${this.version}`
    this.#folders.push(join(project.folder, folder))
    const compilerOptions = { ...COMMON, ...(this.version === '6' && SILENT), ...settings }
    const config = JSON.stringify({ compilerOptions, files: Object.keys(files) })
    for (const [file, text] of Object.entries({ ...files, 'tsconfig.json': config }))
      project.write(`${folder}/${file}`, text)
    test(title, () => judge(this.#check(project, folder)))
  }

  #check({ folder }: Project, application: string): string {
    this.#messages ??= this.#build(dirname(folder))
    const places = [`${basename(folder)}/${application}/`, `${basename(folder)}/node_modules/`, 'error ']
    const found = this.#messages.filter((one) => places.some((place) => one.startsWith(place)))
    return [...found, ...privateNames(join(folder, application, 'out'))].join('\n')
  }

  /** The compiler's messages, with paths below the folder of all projects. */
  #build(cwd: string): string[] {
    // With room for so much at once, a sixth less time goes into collecting garbage.
    const node = ['--max-semi-space-size=64', modulePath(COMPILERS[this.version])]
    const args = ['--build', ...this.#folders, '--force', '--pretty', 'false']
    const { status, stdout, stderr } = spawnSync(process.execPath, [...node, ...args], {
      cwd,
      encoding: 'utf8'
    })
    if (status !== 0 && !stdout.includes('error TS'))
      throw new Error(`the compiler failed: ${stdout}${stderr}`)
    return stdout.split(/\n(?! )/).filter(Boolean)
  }
}

function privateNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => /\.d\.[mc]?ts$/.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .filter((written) => PRIVATE.test(written))
    .map((written) => `The declarations name a private file:\n${written}`)
}

const COMMON = {
  strict: true,
  noImplicitOverride: true,
  skipLibCheck: true,
  target: 'es2022',
  lib: ['es2023'],
  types: ['node'],
  declaration: true,
  rootDir: '.',
  outDir: 'out'
}
/** Version 6 asks for it where an option goes away in the next one; 5.9 does not know it. */
const SILENT = { ignoreDeprecations: '6.0' }

const COMMONJS = { esModuleInterop: true }

/** How applications find modules: a name, the extension of their files, and the options. */
const SETTINGS: [name: string, extension: string, options: object][] = [
  ['node16, ES modules', 'mts', { module: 'node16' }],
  ['node16, CommonJS', 'cts', { module: 'node16', ...COMMONJS }],
  ['nodenext, CommonJS', 'cts', { module: 'nodenext', ...COMMONJS }],
  ['nodenext, ES modules', 'mts', { module: 'nodenext', exactOptionalPropertyTypes: true }],
  ['bundler', 'ts', { module: 'esnext', moduleResolution: 'bundler' }],
  ['node10', 'ts', { module: 'commonjs', moduleResolution: 'node10', ...COMMONJS }]
]

/**
 * Each setting with each version that has it, for `describe.each`. Versions 6 and 5.9, which are slow, take turns;
 * `npm run test:long` has no such exception.
 */
export const matrix = (compilers: Compiler[]) =>
  SETTINGS.flatMap(([name, extension, options], i) =>
    compilers
      .filter(({ version }) =>
        version === '7' ? name !== 'node10' : isLong || version === (i % 2 === 1 ? '5.9' : '6')
      )
      .map((compiler) => ({ title: `TypeScript ${compiler.version}, ${name}`, compiler, extension, options }))
  )

/** `npm run test:long` asks all versions; the matrix has them in any case. */
export const asked = (compilers: Compiler[]) => compilers.slice(0, isLong ? Infinity : 1)
