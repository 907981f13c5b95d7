import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compile } from '../../support/compile'

let main = ''
const running = new Set<ChildProcess>()

beforeAll(() => {
  main = join(
    compile(['lib', 'test/support', 'test/faults/child', 'test/faults/support']),
    'test/faults/child/main.js'
  )
})
afterEach(async () => {
  const ended = [...running].map((child) => once(child, 'close'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ended)
})

/** The application in a process of its own, see `child/main.ts`. It does not outlive the test. */
export class AppProcess {
  /** How it ended: the exit status, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess
  ) {
    this.ended = once(child, 'close').then(([status, signal]) => (signal ?? status) as NodeJS.Signals)
  }

  /** @param env - what `child/main.ts` reads */
  static async start(env: Record<string, string>): Promise<AppProcess> {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit']
    })
    running.add(child)
    child.once('close', () => running.delete(child))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return new AppProcess(Number(line.toString()), child)
  }

  /** Tells it to end, and answers with how it did. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.child.kill('SIGTERM')
    return this.ended
  }
}
