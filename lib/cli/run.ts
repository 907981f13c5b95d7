import { parseArgs } from 'node:util'
import { didYouMean } from '../errors'
import { explain } from './explain'
import { HELP } from './help'
import { inspect } from './inspect'
import { type Outcome, type Surroundings, UsageError, type Values } from './outcome'
import { printJson } from './print'
import { secret } from './secret'
import { destroy, list } from './users'

/** The rest of the work: to print, and to end. */
export interface End {
  /** 0: done, or found. 1: not genuine, or not found. 2: called in a wrong way, or something failed. */
  readonly status: 0 | 1 | 2
  readonly stdout?: string
  readonly stderr?: string
}

interface Command {
  readonly run: (operand: string, values: Values, around: Surroundings) => Outcome | Promise<Outcome>
  /** The name of the argument after the command; left out: there is none. */
  readonly operand?: string
  readonly options?: readonly (keyof Values)[]
}

const COMMANDS = new Map<string, Command>([
  ['secret', { run: secret }],
  ['inspect', { run: inspect, operand: 'cookie', options: ['name', 'unsigned', 'prefix'] }],
  ['list', { run: list, operand: 'user', options: ['prefix'] }],
  ['destroy', { run: destroy, operand: 'user', options: ['prefix', 'handle'] }]
])

const OPTIONS = {
  json: { type: 'boolean' },
  name: { type: 'string' },
  unsigned: { type: 'boolean' },
  handle: { type: 'string' },
  prefix: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

/** Does what the arguments of the command line say. Never rejects. */
export async function run(args: string[], around: Surroundings): Promise<End> {
  try {
    const { values, positionals } = parse(args)
    if (values.help) return { status: 0, stdout: HELP }
    if (values.version) return { status: 0, stdout: version() }
    const [name, ...operands] = positionals
    if (name === undefined) return { status: 2, stderr: HELP }
    const command = COMMANDS.get(name)
    if (!command) {
      const meant = didYouMean(name, [...COMMANDS.keys()]) || ': holdfast --help lists them'
      throw new UsageError(`there is no command ${name}${meant}`)
    }
    checkOptions(name, command, values)
    const outcome = await command.run(operandOf(name, command, operands), values, around)
    const stdout = values.json ? printJson(outcome.json, 2) : outcome.text
    const stderr = outcome.warning && `holdfast: ${outcome.warning}`
    return { status: outcome.found ? 0 : 1, stdout, ...(stderr && { stderr }) }
  } catch (error) {
    return { status: 2, stderr: `holdfast: ${explain(error)}` }
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch (error) {
    const name = /^Unknown option '--([^']+)'/.exec((error as Error).message)?.[1]
    if (name === undefined) throw error
    const meant = didYouMean(
      `--${name}`,
      Object.keys(OPTIONS).map((option) => `--${option}`)
    )
    throw new UsageError(`there is no option --${name}${meant}`)
  }
}

/** The version of the package that this file belongs to. */
function version(): string {
  // oxlint-disable-next-line typescript/no-require-imports
  return (require('holdfast/package.json') as { version: string }).version
}

function checkOptions(name: string, { options = [] }: Command, values: Values): void {
  const known: readonly string[] = ['json', ...options]
  const stray = Object.keys(values).find((option) => !known.includes(option))
  if (stray !== undefined) throw new UsageError(`holdfast ${name} has no option --${stray}`)
}

function operandOf(name: string, { operand }: Command, given: readonly string[]): string {
  if (given.length === (operand ? 1 : 0) && given[0] !== '') return given[0] ?? ''
  throw new UsageError(`holdfast ${name} takes ${operand ? `one ${operand}` : 'no argument'}`)
}
