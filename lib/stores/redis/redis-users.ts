import { script, type Script } from './script'
import type { IndexEntry, SessionIndex } from '../store'
import { wholeMilliseconds } from '../ttl'

/** Microseconds by the server's clock: whole numbers below 2^53, so that a score keeps them exactly. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
`

/**
 * Notes the id ARGV[1] now, at another moment than it is noted. The key lives for ARGV[2] ms at least, for ever where that
 * is empty. Returns the time, and the three ids noted longest ago. Errors are returned, as the script `SET` does.
 */
const ADD = script(`${NOW}
local before = redis.pcall('ZSCORE', KEYS[1], ARGV[1])
if type(before) == 'table' then return before end
if before and tonumber(before) >= now then now = before + 1 end
local left = redis.call('PTTL', KEYS[1])
local added = redis.pcall('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
if type(added) == 'table' then return added end
if ARGV[2] == '' then redis.call('PERSIST', KEYS[1])
elseif left ~= -1 and left < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return { string.format('%.0f', now), redis.call('ZRANGE', KEYS[1], 0, 2, 'WITHSCORES') }
`)

/** Returns the time, and all ids with when they were noted. */
const LIST = script(`${NOW}
return { string.format('%.0f', now), redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') }
`)

/** Notes the id ARGV[1] now, if it is noted at ARGV[2]. */
const RENEW = script(`${NOW}
local noted = tonumber(ARGV[2])
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '') ~= noted then return 0 end
if noted >= now then now = noted + 1 end
return redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
`)

/** Removes the id ARGV[1], if it is noted at ARGV[2]. */
const REMOVE = script(`
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or '') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
`)

/** Which sessions are whose: a sorted set for each user, of session ids by the time when they were noted. */
export class RedisUsers implements SessionIndex {
  readonly #keyOf: (user: string) => string

  /** @param prefix - what the keys of the sessions begin with; the colon here stands in no session id */
  constructor(
    prefix: string,
    private readonly run: (script: Script, key: string, args: (string | number)[]) => Promise<unknown>,
    private readonly nodeOfKey: (key: string) => object
  ) {
    this.#keyOf = (user) => `${prefix}user:${user}`
  }

  async add(user: string, id: string, ttl: number): Promise<readonly IndexEntry[]> {
    const life = ttl === Infinity ? '' : wholeMilliseconds(ttl)
    const oldest = entriesOf(await this.run(ADD, this.#keyOf(user), [id, life]))
    return oldest.filter((entry) => entry.id !== id).slice(0, 2)
  }

  async list(user: string): Promise<readonly IndexEntry[]> {
    return entriesOf(await this.run(LIST, this.#keyOf(user), []))
  }

  async renew(user: string, { id, noted }: IndexEntry): Promise<void> {
    await this.run(RENEW, this.#keyOf(user), [id, noted])
  }

  async remove(user: string, { id, noted }: IndexEntry): Promise<void> {
    await this.run(REMOVE, this.#keyOf(user), [id, noted])
  }

  nodeOf(user: string): object {
    return this.nodeOfKey(this.#keyOf(user))
  }
}

function entriesOf(reply: unknown): IndexEntry[] {
  const [now, found] = reply as [Buffer, Buffer[]]
  const entries: IndexEntry[] = []
  for (let i = 0; i < found.length; i += 2) {
    const noted = Number(found[i + 1])
    entries.push({ id: found[i]!.toString(), noted, age: Math.max(0, (Number(now) - noted) / 1000) })
  }
  return entries
}
