import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compile } from '../../support/compile'
import { send, type Answer } from '../../support/send'
import { secret } from '../../support/site'

let built = ''
const running = new Set<ChildProcess>()

beforeAll(() => {
  built = compile(['lib', 'test/races/child'])
})
afterEach(async () => {
  const ended = [...running].map((child) => once(child, 'close'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ended)
})

/** An application of `child/` in a process of its own. It does not outlive the test, nor this process. */
export class Process {
  /** The signal that ended it, if any. */
  readonly ended: Promise<string | null>

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number
  ) {
    this.ended = once(child, 'close').then(([, signal]) => signal as string | null)
  }

  /**
   * @param env - what the application reads
   * @param application - the name of its file
   */
  static async start(env: Record<string, string>, application = 'main'): Promise<Process> {
    const child = spawn(process.execPath, [join(built, `test/races/child/${application}.js`)], {
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

  /** Lets it go on after it has stopped. */
  resume(): void {
    this.child.kill('SIGCONT')
  }

  kill(): Promise<string | null> {
    this.child.kill('SIGKILL')
    return this.ended
  }

  /** One request with a session cookie. Rejects where the connection breaks. */
  post(path: string, cookie?: string): Promise<Answer> {
    const headers = cookie === undefined ? {} : { cookie: `sid=${cookie}` }
    return send(this.port, path, { method: 'POST', headers })
  }
}
