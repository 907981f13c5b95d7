import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const root = join(__dirname, '../..')

const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  strict: true,
  noImplicitReturns: true,
  skipLibCheck: true,
  esModuleInterop: true,
  types: ['node']
}

/**
 * A folder for the code of documents. It lies inside the project, so that `holdfast` is the package itself, as it is
 * built, and `express` the one that is installed.
 */
export class Workshop {
  readonly folder: string
  readonly #sources = new Map<string, ts.SourceFile | undefined>()
  /** What is wrong in files that were compiled together, until others are written in their places. */
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
    return this.#known.get(path) ?? this.#check([path], others)[0]!
  }

  /**
   * Compiles files in one go, which `compile` answers from then on: the compiler looks at their libraries once. None of
   * them may declare what another one would see.
   */
  compileTogether(paths: string[], others: string[] = []): void {
    const found = this.#check(paths, others)
    paths.forEach((path, i) => this.#known.set(path, found[i]!))
  }

  #check(paths: string[], others: string[]): string[][] {
    const host = ts.createCompilerHost(OPTIONS)
    const read = host.getSourceFile.bind(host)
    host.getSourceFile = (name, ...rest) => {
      if (name.startsWith(this.folder)) return read(name, ...rest)
      // Libraries are parsed once for all documents.
      if (!this.#sources.has(name)) this.#sources.set(name, read(name, ...rest))
      return this.#sources.get(name)
    }
    const program = ts.createProgram([...paths, ...others], OPTIONS, host)
    program.emit()
    return paths.map((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(told))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

function told({ file, start, messageText }: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (!file || start === undefined) return message
  const { line } = file.getLineAndCharacterOfPosition(start)
  return `line ${line + 1} of the block: ${message}`
}
