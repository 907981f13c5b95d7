import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'oxfmt'
import { giveUp, root } from './run.mjs'

const config = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8'))

/** The text of a file as `npm run format` leaves it. */
export async function formatted(file, text) {
  const { code, errors } = await format(file, text, config)
  if (errors.length > 0) giveUp(`${file}: ${errors[0].message}`)
  return code
}
