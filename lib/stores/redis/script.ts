import { createHash } from 'node:crypto'

/** A script, and the name under which a server that has seen it knows it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/**
 * Keeps ARGV[1] for ARGV[2] ms under KEYS[1] if ARGV[3], or nothing where it is left out, is what is kept there, byte
 * for byte, and returns 1. Otherwise returns what is kept. Errors are returned, not raised: a raised one reaches the
 * client under another name, by the server's version.
 */
export const SET = script(`
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'table' then return kept end
if kept ~= (ARGV[3] or false) then return kept end
local set = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if set.err then return set end
return 1
`)

/**
 * Removes KEYS[1] and returns how many keys that were. Where it was there, publishes ARGV[2] on the channel ARGV[1]: a
 * server that refuses that has removed it all the same.
 */
export const DESTROY = script(`
local removed = redis.pcall('DEL', KEYS[1])
if removed == 1 then redis.pcall('PUBLISH', ARGV[1], ARGV[2]) end
return removed
`)

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
