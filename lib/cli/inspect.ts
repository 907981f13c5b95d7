import { isWeak } from '../options'
import { RedisStore } from '../stores/redis/redis-store'
import { withRedis } from './connect'
import { findCookie, judge, type Verdict } from './cookie'
import { factsOf, rowsOf, type Facts } from './facts'
import { type Outcome, type Surroundings, UsageError, type Values } from './outcome'
import { printable, printJson, printTable } from './print'

/**
 * Says whether a cookie is genuine, and what is stored under it. Renews no life.
 *
 * @param operand - the cookie: its value, `name=value`, or a whole header; `-`: it is read from the input
 */
export async function inspect(operand: string, values: Values, around: Surroundings): Promise<Outcome> {
  const secrets = secretsIn(around.env)
  const cookie = findCookie(operand === '-' ? await textOf(around.stdin) : operand, values.name)
  const verdict = judge(cookie, secrets, values.unsigned === true)
  const facts = await keptBy(verdict, around.env.REDIS_URL, values).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(`the cookie is ${nameOf(verdict, secrets.length)}, but ${error.message}`)
  })
  const stored = facts === undefined ? null : facts !== null
  const rows = [['cookie', printable(nameOf(verdict, secrets.length))]]
  if (verdict.kind !== 'wrong') rows.push(['stored', nameStored(verdict, stored)])
  const found = verdict.kind !== 'wrong' && stored !== false
  const secret = 'secret' in verdict ? verdict.secret : null
  const why = 'why' in verdict ? verdict.why : null
  const json = { verifies: why === null, why, kind: verdict.kind, secret, secrets: secrets.length, stored }
  const warning = weakness(secrets)
  if (!facts) return { text: printTable(rows), json, found, warning }
  const text = `${printTable([...rows, ...rowsOf(facts)])}\ndata ${printJson(facts.data, 2)}`
  return { text, json: { ...json, ...facts }, found, warning }
}

function secretsIn({ SESSION_SECRET = '' }: Surroundings['env']): string[] {
  const secrets = SESSION_SECRET.split(',').filter(Boolean)
  if (secrets.length > 0) return secrets
  throw new UsageError(
    'set SESSION_SECRET to the secret of the application (SESSION_SECRET=$SECRET, if it reads SECRET); several are separated by commas'
  )
}

/** A comma in a secret divides it as well: its parts are short, and the message helps to see that. */
function weakness(secrets: readonly string[]): string | undefined {
  const index = secrets.findIndex(isWeak)
  if (index === -1) return undefined
  const which = secrets.length === 1 ? 'SESSION_SECRET' : `secret ${index + 1} of SESSION_SECRET`
  return `${which} is a placeholder or shorter than 32 bytes, and whoever guesses it can sign: npx holdfast secret prints a good one`
}

async function textOf(stdin: Surroundings['stdin']): Promise<string> {
  let text = ''
  for await (const chunk of stdin) text += chunk.toString()
  return text
}

/** Null: nothing is there. Undefined: nobody could be asked. */
async function keptBy(
  verdict: Verdict,
  url: string | undefined,
  { prefix = 'SESSION:' }: Values
): Promise<Facts | null | undefined> {
  if (verdict.kind === 'wrong') return undefined
  if (verdict.kind === 'sealed') {
    const life = verdict.sealed.expires - Date.now()
    return life > 0 ? factsOf(verdict.sealed.text, life) : null
  }
  if (!url) return undefined
  return withRedis(url, async (client) => {
    const store = new RedisStore(client, { prefix })
    const [text, life] = [await store.get(verdict.id), await store.life(verdict.id)]
    return text === null || life === null ? null : factsOf(text, life)
  })
}

function nameOf(verdict: Verdict, secrets: number): string {
  if (verdict.kind === 'wrong') return `invalid: ${verdict.why}`
  if (verdict.kind === 'unsigned') return 'a bare id'
  return secrets === 1 ? 'valid' : `valid (secret ${verdict.secret} of ${secrets})`
}

function nameStored({ kind }: Verdict, stored: boolean | null): string {
  if (stored === null) return 'unknown: REDIS_URL is not set'
  if (kind === 'sealed') return stored ? 'in the cookie itself' : 'in the cookie itself, and expired'
  return stored ? 'yes' : 'no: never saved, ended, or expired'
}
