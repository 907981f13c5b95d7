import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compile, removeCompiled } from '../../support/compile'
import { send, type Answer } from '../../support/send'
import { secret } from '../../support/site'

let main = ''
const running = new Set<ChildProcess>()

beforeAll(() => {
  main = join(compile(['lib', 'test/races/child']), 'test/races/child/main.js')
})
afterEach(async () => {
  const ended = [...running].map((child) => once(child, 'close'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ended)
})
afterAll(removeCompiled)

/** The application of `child/main.ts` in a process of its own. It does not outlive the test, nor this process. */
export class Process {
  /** The signal that ended it, if any. */
  readonly ended: Promise<string | null>

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number
  ) {
    this.ended = once(child, 'close').then(([, signal]) => signal as string | null)
  }

  /** @param env - what `child/main.ts` reads */
  static async start(env: Record<string, string>): Promise<Process> {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env.PATH, SECRET: secret, ...env },
      stdio: ['pipe', 'pipe', 'inherit']
    })
    running.add(child)
    child.once('close', () => running.delete(child))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return new Process(child, Number(line.toString()))
  }

  /** Waits until it prints something. */
  async says(): Promise<void> {
    await once(this.child.stdout!, 'data')
  }

  kill(): Promise<string | null> {
    this.child.kill('SIGKILL')
    return this.ended
  }

  /** One request with a session cookie. Rejects where the connection breaks. */
  post(path: string, cookie: string): Promise<Answer> {
    return send(this.port, path, { method: 'POST', headers: { cookie: `sid=${cookie}` } })
  }
}
