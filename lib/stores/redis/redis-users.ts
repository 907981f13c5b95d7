import { script, type Script } from './script'
import { wholeMilliseconds, type EndMark, type IndexEntry, type Noted, type SessionIndex } from '../store'

/** The first character of a mark's members, which no session id begins with. */
const RESERVED = '!'

/**
 * `now` is a moment after all of this user's, in microseconds by the server's clock (whole numbers below 2^53, which a
 * score keeps exactly), however that clock is set. `sweep` removes a mark whose time is over, `live` has the key live for
 * so many ms at least. Errors of a key with something else in it are returned, as the script `SET` does.
 */
const BEGIN = `
local key, time = KEYS[1], redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local latest = redis.pcall('ZRANGE', key, -1, -1, 'WITHSCORES')
if latest.err then return latest end
local now = math.max(clock, (tonumber(latest[2]) or 0) + 1)
local function number(value) return string.format('%.0f', value) end
local function score(member) return tonumber(redis.call('ZSCORE', key, member) or nil) end
local function sweep()
  if (score('!until') or clock) * 1000 <= clock then redis.call('ZREM', key, '!at', '!until', '!except') end
end
local function live(ms)
  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
end
`

/** Notes the id ARGV[1] for ARGV[2] ms. Returns the time, the moment, and the three ids noted longest ago, or a few more. */
const ADD = script(`${BEGIN}
local added = redis.pcall('ZADD', key, number(now), ARGV[1])
if type(added) == 'table' then return added end
sweep()
live(ARGV[2])
return { number(clock), redis.call('ZRANGE', key, 0, 5, 'WITHSCORES'), number(now) }
`)

/** Returns the time, and all members with their scores. */
const LIST = script(`${BEGIN}
return { number(clock), redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') }
`)

/** Sets a mark for ARGV[1] ms, which makes an exception of the moment ARGV[2] if there is one. Returns what LIST does. */
const END = script(`${BEGIN}
local ends = math.floor(clock / 1000) + tonumber(ARGV[1])
local added = redis.pcall('ZADD', key, number(now), '!at', number(ends), '!until')
if type(added) == 'table' then return added end
if ARGV[2] then redis.call('ZADD', key, ARGV[2], '!except') else redis.call('ZREM', key, '!except') end
live(ARGV[1])
return { number(clock), redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') }
`)

/** Returns the moment of the mark, and the one that it makes an exception of; nothing if there is none that counts. */
const ENDED = script(`${BEGIN}
if (score('!until') or 0) * 1000 <= clock then return {} end
return { redis.call('ZSCORE', key, '!at'), redis.call('ZSCORE', key, '!except') or nil }
`)

/** Notes the id ARGV[1] now, if it is noted at ARGV[2]. */
const RENEW = script(`${BEGIN}
if ARGV[2] == '' or score(ARGV[1]) == tonumber(ARGV[2]) then redis.call('ZADD', key, number(now), ARGV[1]) end
sweep()
return 1
`)

/** Removes the id ARGV[1], if it is noted at ARGV[2]. A mark alone lives for its own time, not for that of the ids. */
const REMOVE = script(`${BEGIN}
if ARGV[2] == '' or score(ARGV[1]) == tonumber(ARGV[2]) then redis.call('ZREM', key, ARGV[1]) end
sweep()
local ends = score('!until')
if ends and redis.call('ZCARD', key) == (score('!except') and 3 or 2) then
  redis.call('PEXPIRE', key, number(math.ceil(ends - clock / 1000)))
end
return 1
`)

/** Sends a script about one key. */
export type RunScript = <T>(
  script: Script,
  key: string,
  args: string[],
  answer: (reply: unknown) => T
) => Promise<T>

/**
 * Which sessions are whose: a sorted set for each user, of session ids by the moment when they were noted.
 *
 * ```
 * redis-cli zrange SESSION:user:<user> 0 -1 withscores
 * ```
 *
 * shows it. Three members are no ids: `!at` has the moment up to which the user's logins have been ended, `!except` that
 * of the one login which goes on, and `!until` when that mark stops counting, in milliseconds since 1970. The key
 * lives for the longest time that was asked for, and goes with its last id.
 */
export class RedisUsers implements SessionIndex {
  readonly #keyOf: (user: string) => string
  readonly #run: RunScript
  readonly #nodeOfKey: (key: string) => object

  /** @param prefix - what the keys of the sessions begin with; no session id has the colon that follows here */
  constructor(prefix: string, run: RunScript, nodeOfKey: (key: string) => object) {
    this.#keyOf = (user) => `${prefix}user:${user}`
    this.#run = run
    this.#nodeOfKey = nodeOfKey
  }

  async add(user: string, id: string, ttl: number): Promise<Noted> {
    const args = [id, String(wholeMilliseconds(ttl))]
    return this.#run(ADD, this.#keyOf(user), args, (reply) => {
      const others = entriesOf(reply).filter((entry) => entry.id !== id)
      return { noted: Number((reply as unknown[])[2]), oldest: others.slice(0, 2) }
    })
  }

  list(user: string): Promise<readonly IndexEntry[]> {
    return this.#run(LIST, this.#keyOf(user), [], entriesOf)
  }

  async end(user: string, ttl: number, except?: number): Promise<readonly IndexEntry[]> {
    const args = [wholeMilliseconds(ttl), ...(except === undefined ? [] : [except])].map(String)
    return this.#run(END, this.#keyOf(user), args, entriesOf)
  }

  ended(user: string): Promise<EndMark | null> {
    return this.#run(ENDED, this.#keyOf(user), [], (reply) => {
      const [at, except] = reply as [at?: Buffer, except?: Buffer]
      return at ? { at: Number(at), except: except ? Number(except) : undefined } : null
    })
  }

  renew(user: string, { id, noted }: IndexEntry): Promise<void> {
    return this.#run(RENEW, this.#keyOf(user), [id, String(noted)], () => undefined)
  }

  remove(user: string, { id, noted }: { readonly id: string; readonly noted?: number }): Promise<void> {
    return this.#run(
      REMOVE,
      this.#keyOf(user),
      [id, noted === undefined ? '' : String(noted)],
      () => undefined
    )
  }

  nodeOf(user: string): object {
    return this.#nodeOfKey(this.#keyOf(user))
  }
}

function entriesOf(reply: unknown): IndexEntry[] {
  const [now, found] = reply as [Buffer, Buffer[]]
  const entries: IndexEntry[] = []
  for (let i = 0; i < found.length; i += 2) {
    const id = found[i]!.toString()
    if (id.startsWith(RESERVED)) continue
    const noted = Number(found[i + 1])
    entries.push({ id, noted, age: Math.max(0, (Number(now) - noted) / 1000) })
  }
  return entries
}
