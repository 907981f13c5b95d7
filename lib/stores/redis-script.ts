import { createHash } from 'node:crypto'

/**
 * Keeps ARGV[1] for ARGV[2] ms under KEYS[1] if ARGV[3], or nothing where it is left out, is what is kept there, byte
 * for byte, and returns 1. Otherwise returns what is kept. Errors are returned, not raised: a raised one reaches the
 * client under another name, by the server's version.
 */
export const SCRIPT = `
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'table' then return kept end
if kept ~= (ARGV[3] or false) then return kept end
local set = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if set.err then return set end
return 1
`

/** The name under which a server that has seen the script knows it. */
export const SCRIPT_SHA = createHash('sha1').update(SCRIPT).digest('hex')
