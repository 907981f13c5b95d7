import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import type { StoreMaker } from './race'

/** connect-redis for both lanes: then one line is all that differs. */
export async function openRaceRedis(url: string): Promise<{ make: StoreMaker; close(): void }> {
  const client = createClient({ url })
  // The demo's own client says what is wrong with Redis.
  client.on('error', () => undefined)
  await client.connect()
  return { make: () => new RedisStore({ client, prefix: 'RACE:', ttl: 60 }), close: () => client.destroy() }
}
