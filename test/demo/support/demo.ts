import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp, type AppOptions } from '../../../demo/app'

export const secret = 'what signs the cookies in the demo tests'

/** Serves on a free port of 127.0.0.1. */
export async function serve(listener: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** The demo on a store. */
export function startDemo(
  options: Pick<AppOptions, 'store'> & Partial<AppOptions>
): Promise<{ url: string; stop(): Promise<void> }> {
  return serve(createApp({ secret, storeName: 'a store', ...options }) as RequestListener)
}
