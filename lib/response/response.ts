import type { ServerResponse } from 'node:http'

export type Method = (...args: unknown[]) => unknown

/** The methods by which an HTTP/2 stream begins a response without the response object. */
export type RespondingName = 'respond' | 'respondWithFile' | 'respondWithFD'

/** The methods of a response that make something leave. `flush` is of `compression`. */
export type SendingName = 'writeHead' | 'flushHeaders' | 'write' | 'end' | 'flush' | RespondingName

/** A response of `node:http` or `node:http2`, or whatever a WebSocket library passes for one: it may lack anything. */
export type HoldableResponse = Partial<Omit<ServerResponse, SendingName>> & {
  stream?: HoldableStream
}

/** An HTTP/2 stream, or what a fake has in its place. */
export type HoldableStream = Partial<
  Record<RespondingName | '_write' | '_writev' | '_final' | 'write' | 'end', Method>
> & {
  readonly closed?: boolean
  emit?(event: string): boolean
  close?(code: number): void
}
