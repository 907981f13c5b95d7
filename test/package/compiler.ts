import { dirname, join } from 'node:path'
import typescript from 'typescript'
import typescript59 from 'typescript59'
import type { Project } from './project'

/** The newest compiler, and the last one before it that applications use. */
export const VERSIONS = ['6', '5.9'] as const
export type Version = (typeof VERSIONS)[number]

const COMPILERS = { '6': typescript, '5.9': typescript59 as unknown as typeof typescript }

/** The declarations that are looked at beside the user's own file: ours, and those of stores. */
const LOOKED_AT = /\/node_modules\/(holdfast|express-session|connect-[\w-]+|@types\/connect-pg-simple)\//
/** A declaration that names one of our files instead of an entry: it would break when the file moves. */
const PRIVATE = /import\("[^"]*\bdist\/[^"]*"\)/

/** TypeScript in this process: it parses a package once for all the files of users that it checks. */
export class Compiler {
  readonly #ts: typeof typescript
  readonly #sources = new Map<string, typescript.SourceFile | undefined>()

  constructor(readonly version: Version) {
    this.#ts = COMPILERS[version]
  }

  /**
   * Type-checks an application's files, our declarations and those of stores, as with `skipLibCheck: false`, and has the
   * application's own declarations written, which may name nothing private.
   *
   * @param files - texts by name
   * @param settings - `compilerOptions` as in `tsconfig.json`
   * @returns the compiler's messages; empty where all is well
   */
  check(project: Project, files: Record<string, string>, settings: object): string {
    const ts = this.#ts
    for (const [file, text] of Object.entries(files)) project.write(`check/${file}`, text)
    const compilerOptions = { ...COMMON, ...(this.version === '6' && SILENT), ...settings }
    const config = join(project.folder, 'check/tsconfig.json')
    const parsed = ts.parseJsonConfigFileContent(
      { compilerOptions, files: Object.keys(files) },
      ts.sys,
      dirname(config),
      undefined,
      config
    )
    const program = this.#program(parsed.fileNames, parsed.options)
    const application = parsed.fileNames.map((name) => program.getSourceFile(name)!)
    const lookedAt = program
      .getSourceFiles()
      .filter((one) => application.includes(one) || LOOKED_AT.test(one.fileName))
    const found = [
      ...parsed.errors,
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...lookedAt.flatMap((one) => [
        ...program.getSyntacticDiagnostics(one),
        ...program.getSemanticDiagnostics(one)
      ])
    ]
    const lines: string[] = []
    for (const one of application) {
      const { diagnostics } = program.emit(one, (_name, written) => {
        if (PRIVATE.test(written)) lines.push(`The declarations name a private file:\n${written}`)
      })
      found.push(...diagnostics)
    }
    const host = ts.createCompilerHost(parsed.options)
    const format = { ...host, getCurrentDirectory: () => project.folder }
    return [...found.map((one) => ts.formatDiagnostic(one, format)), ...lines].join('')
  }

  #program(files: string[], options: typescript.CompilerOptions): typescript.Program {
    const host = this.#ts.createCompilerHost(options)
    const read = host.getSourceFile.bind(host)
    host.getSourceFile = (name, language, ...rest) => {
      if (!name.includes('/node_modules/')) return read(name, language, ...rest)
      const format = typeof language === 'object' ? language.impliedNodeFormat : undefined
      const key = `${String(format)} ${name}`
      if (!this.#sources.has(key)) this.#sources.set(key, read(name, language, ...rest))
      return this.#sources.get(key)
    }
    return this.#ts.createProgram(files, options, host)
  }
}

const COMMON = {
  strict: true,
  noImplicitOverride: true,
  skipLibCheck: false,
  target: 'es2022',
  types: ['node'],
  declaration: true,
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
 * Each setting with one of the versions, for `describe.each`, so that each version meets every second one;
 * `npm run test:long` takes each setting with each version.
 */
export const matrix = (compilers: Compiler[]) =>
  SETTINGS.flatMap(([name, extension, options], i) =>
    compilers
      .filter((_, j) => process.env.TEST_LONG !== undefined || j === i % compilers.length)
      .map((compiler) => ({ title: `TypeScript ${compiler.version}, ${name}`, compiler, extension, options }))
  )
