import { runInThisContext } from 'node:vm'
import type { IncomingMessage, ServerResponse } from 'node:http'

type Message = IncomingMessage | ServerResponse

/** The packages by which loggers, timers and compression listen to a response; they come with Express. */
export const onHeaders =
  jest.requireActual<(res: ServerResponse, listener: (this: ServerResponse) => void) => void>('on-headers')

export const onFinished =
  jest.requireActual<
    (message: Message, listener: (error: Error | null, message: Message) => void) => Message
  >('on-finished')

/** What the process is warned of until `end` is called. Jest gives tests a copy of the process, which hears nothing. */
export function hearWarnings(): { warnings: Error[]; end: () => void } {
  const real = runInThisContext('process') as NodeJS.Process
  const warnings: Error[] = []
  const note = (warning: Error) => void warnings.push(warning)
  real.on('warning', note)
  return { warnings, end: () => void real.off('warning', note) }
}
