import { createHash } from 'node:crypto'

/** A script, and the name under which a server that has seen it knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/**
 * Keeps ARGV[1] for ARGV[2] ms under KEYS[1] if the text there ends with ARGV[3], or, where ARGV[3] is left out, if
 * nothing is there, and returns 1. Otherwise returns what is kept. Errors are returned, not raised: a raised one
 * reaches the client under another name, by the server's version.
 */
export const SET = script(`
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'table' then return kept end
local expected = ARGV[3]
if expected == nil then
  if kept then return kept end
elseif not kept then return false
elseif #expected > 0 and string.sub(kept, -#expected) ~= expected then return kept
end
local set = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if set.err then return set end
return 1
`)

/** Publishes ARGV[2] on the channel ARGV[1]. Returns 1, or 2 if the user may not. */
const PUBLISH = `
local published = redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return type(published) == 'table' and 2 or 1
`

/**
 * Removes KEYS[1], if ARGV[3] is left out or the end of what is kept there. Returns 0 if nothing was there, the text if
 * it has another end. Otherwise publishes; a server that refuses that has removed it all the same.
 */
export const DESTROY = script(`
local expected = ARGV[3]
if expected then
  local kept = redis.pcall('GET', KEYS[1])
  if type(kept) == 'table' then return kept end
  if kept and #expected > 0 and string.sub(kept, -#expected) ~= expected then return kept end
end
local removed = redis.pcall('DEL', KEYS[1])
if removed ~= 1 then return removed end
${PUBLISH}`)

/** Keeps ARGV[3] for ARGV[4] ms under KEYS[1], and publishes. */
export const NOTIFY = script(`
local set = redis.pcall('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
if set.err then return set end
${PUBLISH}`)

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
