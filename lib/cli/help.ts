export const HELP = `Usage: holdfast <command> [options]

Commands:
  secret             makes a good secret, of 32 random bytes
  inspect <cookie>   whether a session cookie is genuine, what is stored under it, how long it lives, and whose it
                     is; takes a value, name=value, or a whole Cookie header; - reads it from the input
  list <user>        the sessions of a user
  destroy <user>     ends the sessions of a user

Options:
  --json             for programs: prints JSON
  --name <name>      inspect: the name of the cookie, where it is not with its value (sid)
  --unsigned         inspect: the cookie is a bare id, as with the option signed: false
  --handle <handle>  destroy: only this one of the user's sessions
  --prefix <text>    what the keys in Redis begin with (SESSION:)
  -h, --help         prints this

Environment:
  SESSION_SECRET     inspect: the secret; several, separated by commas, the one that signs first
  REDIS_URL          inspect, list, destroy: a Redis server, or any node of a cluster, as redis://127.0.0.1:6379

Exit status: 0 done or found; 1 not genuine, or not found; 2 called in a wrong way, or something failed.`
