import type { IncomingMessage, ServerResponse } from 'node:http'

type Message = IncomingMessage | ServerResponse

/** The packages by which loggers, timers and compression listen to a response; they come with Express. */
export const onHeaders =
  jest.requireActual<(res: ServerResponse, listener: (this: ServerResponse) => void) => void>('on-headers')

export const onFinished =
  jest.requireActual<
    (message: Message, listener: (error: Error | null, message: Message) => void) => Message
  >('on-finished')
