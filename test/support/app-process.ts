import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compile } from './compile'
import { send, type Answer } from './send'
import { atEnd } from './serve'
import { secret } from './site'

let built = ''

beforeAll(() => {
  built = compile(['lib', 'test/support', 'test/faults/child', 'test/faults/support', 'test/races/child'])
})

/** An application in a process of its own, which prints its port first. It does not outlive the test. */
export class AppProcess {
  /** How it ended: the exit status, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals>

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess
  ) {
    this.ended = once(child, 'close').then(([status, signal]) => (signal ?? status) as NodeJS.Signals)
  }

  /**
   * @param file - of the application: `races/child/main`
   * @param env - what the application reads, with `SECRET` if it is not given
   */
  static async start(file: string, env: Record<string, string>): Promise<AppProcess> {
    const child = spawn(process.execPath, [join(built, 'test', `${file}.js`)], {
      env: { PATH: process.env.PATH, SECRET: secret, ...env },
      stdio: ['pipe', 'pipe', 'inherit']
    })
    const closed = once(child, 'close')
    atEnd(child, (it) => it.kill('SIGKILL') && closed)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return new AppProcess(Number(line.toString()), child)
  }

  /** Waits until it prints something. */
  async says(): Promise<void> {
    await once(this.child.stdout!, 'data')
  }

  /** Lets it go on after it has stopped. */
  resume(): void {
    this.child.kill('SIGCONT')
  }

  /** Asks it to end, and resolves to how it did. */
  stop(): Promise<number | NodeJS.Signals> {
    this.child.kill('SIGTERM')
    return this.ended
  }

  kill(): Promise<number | NodeJS.Signals> {
    this.child.kill('SIGKILL')
    return this.ended
  }

  /** One request with a session cookie. Rejects if the connection breaks. */
  post(path: string, cookie?: string): Promise<Answer> {
    const headers = cookie === undefined ? {} : { cookie: `sid=${cookie}` }
    return send(this.port, path, { method: 'POST', headers })
  }
}
