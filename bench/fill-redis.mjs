import { RedisStore as ConnectRedis } from 'connect-redis'
import { RedisStore } from '../dist/redis.mjs'
import { content } from './content.mjs'
import { openIoredis, openNodeRedis } from './servers/clients.mjs'
import { randomId, randomText, repeat } from './texts.mjs'

const DAY = 86_400_000
const COOKIE = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }

/** Fills Redis as a store does, and resolves to the bytes of one text. */
export async function fillRedis(store, url, sessions) {
  return store === 'RedisStore' ? holdfast(url, sessions) : connectRedis(url, sessions)
}

async function holdfast(url, sessions) {
  const client = await openIoredis(url, true)
  const store = new RedisStore(client)
  await repeat(sessions, () => store.set(randomId(), randomText(), DAY, null))
  await client.quit()
  return randomText().length
}

async function connectRedis(url, sessions) {
  const client = await openNodeRedis(url)
  const store = new ConnectRedis({ client })
  const session = { cookie: COOKIE, ...content('small') }
  await repeat(sessions, () => store.set(randomId(), session))
  await client.close()
  return JSON.stringify(session).length
}
