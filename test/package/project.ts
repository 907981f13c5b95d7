import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildLibrary } from './build'

const root = join(__dirname, '../..')

/** The file of an installed package, `modulePath('typescript/bin/tsc')`. */
export const modulePath = (file: string): string => join(root, 'node_modules', file)

/** The package.json in a folder. */
export function manifest(folder: string): { version: string; dependencies: object } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as ReturnType<typeof manifest>
}

/** What a command printed, and its exit status. */
export interface Outcome {
  status: number
  output: string
}

/** Runs a command; a status other than 0 is an answer, too. */
export async function run(command: string, args: string[], cwd: string): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, maxBuffer: 1e8 })
    return { status: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string }
    if (typeof code !== 'number') throw error
    return { status: code, output: stdout + stderr }
  }
}

/** Runs a command that has to succeed, and resolves to what it printed. */
export async function succeed(command: string, args: string[], cwd: string): Promise<string> {
  const { status, output } = await run(command, args, cwd)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${output}`)
  return output
}

/** The packed library, in a folder of its own. */
export interface Tarball {
  path: string
  /** The names of the files in it. */
  files: string[]
  remove: () => void
}

/** Packs the library, which it builds where it is out of date, or another package, as it would be published. */
export async function pack(name = '.'): Promise<Tarball> {
  buildLibrary()
  const folder = temporaryFolder()
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: join(root, name) })
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]
  return {
    path: join(folder, packed!.filename),
    files: packed!.files.map((file) => file.path),
    remove: () => rmSync(folder, { recursive: true })
  }
}

/** A user's project outside the repository. */
export class Project {
  readonly folder = temporaryFolder()

  /**
   * Installs tarballs as users do, and packages in the versions that the repository itself has.
   * @param tarballs - paths, or with a name: `express-session@file:…`
   */
  async install(tarballs: string[], names: string[] = []): Promise<void> {
    this.write('package.json', '{ "private": true }')
    const versioned = names.map((name) => `${name}@${manifest(modulePath(name)).version}`)
    const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
    await succeed('npm', ['install', ...quick, ...tarballs, ...versioned], this.folder)
  }

  /**
   * Puts the built library where npm would, without packing it, and links the repository's packages. The compiler sees
   * no difference.
   */
  link(names: string[], library = 'node_modules/holdfast'): void {
    for (const part of ['dist', 'package.json']) this.copy(join(root, part), join(library, part))
    for (const name of [...Object.keys(manifest(root).dependencies), ...names]) {
      const link = join(this.folder, 'node_modules', name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(modulePath(name), link)
    }
  }

  /** Copies a file or a folder. Node and the compiler take a link for what it leads to: two of them would be one copy. */
  copy(from: string, to: string): void {
    cpSync(from, join(this.folder, to), { recursive: true })
  }

  /** Writes a file, `src/app.ts`, and makes the folders above it. */
  write(path: string, text: string): void {
    const file = join(this.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  /** Runs a file of the project, or one of the repository's tools in it, by this Node or another one. */
  node(file: string, args: string[] = [], node = process.execPath): Promise<Outcome> {
    return run(node, [file, ...args], this.folder)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}

function temporaryFolder(): string {
  return mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-package-'))
}
