import type { RequestListener } from 'node:http'
import { createApp, type AppOptions } from '../../../demo/app'
import { listen, portOf, stop } from '../../support/server'

export const secret = 'what signs the cookies in the demo tests'

/** Serves on a free port of 127.0.0.1. */
export async function serve(listener: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  const server = await listen(listener)
  return { url: `http://127.0.0.1:${portOf(server)}`, stop: () => stop(server) }
}

/** The demo on a store. */
export function startDemo(
  options: Pick<AppOptions, 'store'> & Partial<AppOptions>
): Promise<{ url: string; stop(): Promise<void> }> {
  return serve(createApp({ secret, storeName: 'a store', ...options }) as RequestListener)
}
