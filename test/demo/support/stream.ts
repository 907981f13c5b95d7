/** The events of a page, as they come. */
export async function openStream(url: string, cookie = ''): Promise<EventStream> {
  const end = new AbortController()
  const response = await fetch(url, { headers: { cookie }, signal: end.signal })
  if (!response.ok || !response.body) throw new Error(`the stream was refused: ${response.status}`)
  const chunks = response.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  let text = ''
  return {
    next: async (event) => {
      for (;;) {
        const at = text.indexOf('\n\n')
        if (at < 0) {
          const { done, value } = await chunks.next()
          if (done) throw new Error(`the stream ended without ${event}`)
          text += value
          continue
        }
        const [name, data] = text.slice(0, at).split('\n')
        text = text.slice(at + 2)
        if (name === `event: ${event}`) return JSON.parse((data ?? '').slice('data: '.length)) as unknown
      }
    },
    close: () => end.abort()
  }
}

export interface EventStream {
  /** The data of the next event with this name; others are passed over. */
  next(event: string): Promise<unknown>
  close(): void
}
