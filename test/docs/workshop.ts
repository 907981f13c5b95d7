import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

  constructor() {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    this.folder = mkdtempSync(join(root, '.tmp', 'docs-'))
  }

  /** Writes a file, and answers with its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text)
    return path
  }

  /**
   * Type-checks a file, with what others declare, and compiles it with what it imports. Answers with what is wrong in
   * it, one line each.
   */
  compile(path: string, others: string[] = []): string[] {
    const host = ts.createCompilerHost(OPTIONS)
    const read = host.getSourceFile.bind(host)
    host.getSourceFile = (name, ...rest) => {
      if (name.startsWith(this.folder)) return read(name, ...rest)
      // Libraries are parsed once for all documents.
      if (!this.#sources.has(name)) this.#sources.set(name, read(name, ...rest))
      return this.#sources.get(name)
    }
    const program = ts.createProgram([path, ...others], OPTIONS, host)
    const errors = ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(told)
    if (errors.length === 0) program.emit()
    return errors
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
