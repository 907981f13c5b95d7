import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const root = join(__dirname, '../..')

const TSC = join(root, 'node_modules/typescript7/bin/tsc')
const OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2023'],
  strict: true,
  noImplicitReturns: true,
  skipLibCheck: true,
  types: ['node']
}

/**
 * A folder for the code of documents. It lies inside the project, so that `holdfast` is the package itself, as it is
 * built, and `express` the one that is installed.
 */
export class Workshop {
  readonly folder: string
  /** What is wrong in files that were compiled, until others are written in their places. */
  readonly #known = new Map<string, string[]>()

  constructor() {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    this.folder = mkdtempSync(join(root, '.tmp', 'docs-'))
  }

  /** Writes a file, `docs-api/app.mts`, and answers with its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name)
    if (existsSync(path) && readFileSync(path, 'utf8') === text) return path
    this.#known.delete(path)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /**
   * Type-checks a file, with what others declare, and compiles it with what it imports. Answers with what is wrong in
   * it, one line each.
   */
  compile(path: string, others: string[] = []): string[] {
    if (!this.#known.has(path)) this.compileAll([[path, ...others]])
    return this.#known.get(path)!
  }

  /**
   * Compiles programs, each a file and others that declare something for it, in one run of the compiler, which reads
   * their libraries once. `compile` answers it from then on. None sees what another one declares.
   */
  compileAll(programs: string[][]): void {
    const configs = programs.map((files) => {
      const config = `${files[0]}.json`
      writeFileSync(config, JSON.stringify({ compilerOptions: OPTIONS, files }))
      return config
    })
    const args = [TSC, '--build', ...configs, '--force', '--pretty', 'false', '--singleThreaded']
    const { status, stdout } = spawnSync(process.execPath, args, { cwd: this.folder, encoding: 'utf8' })
    const messages = stdout.split(/\n(?! )/).map((text) => MESSAGE.exec(text))
    if (status !== 0 && !messages.some(Boolean)) throw new Error(`the compiler failed: ${stdout}`)
    for (const [path] of programs) {
      const found = messages.flatMap((one) => {
        const [, file, line, message] = one ?? []
        if (message === undefined) return []
        if (file === undefined) return [message]
        return resolve(this.folder, file) === path ? [`line ${line} of the block: ${message}`] : []
      })
      this.#known.set(path!, [...new Set(found)])
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

/** What the compiler says, of a line or of all: the file, the line and the message. */
const MESSAGE = /^(?:(\S+)\((\d+),\d+\): )?error TS\d+: ([^]+)/
