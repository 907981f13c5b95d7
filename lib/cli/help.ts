export const HELP = `Usage: holdfast <command> [options]

Commands:
  secret             prints a good secret, of 32 random bytes
  inspect <cookie>   checks a session cookie, and shows its session, how long that lives, and its user; takes a value,
                     name=value, or a whole Cookie header; - reads it from the input
  list <user>        lists the sessions of a user
  destroy <user>     ends the sessions of a user

Options:
  --json             prints JSON, for programs
  --name <name>      inspect: the name of the cookie, if it is given without it (sid)
  --unsigned         inspect: the cookie is a bare id, as with the option signed: false
  --handle <handle>  destroy: only this one of the user's sessions
  --prefix <text>    the beginning of the keys in Redis (SESSION:)
  -h, --help         prints this
  -v, --version      prints the version

Environment:
  SESSION_SECRET     inspect: the secret; separate several by commas, the one that signs first
  REDIS_URL          inspect, list, destroy: a Redis server, or any node of a cluster, as redis://127.0.0.1:6379

Exit status: 0 done or found; 1 not valid, or not found; 2 wrong usage, or something failed.`
