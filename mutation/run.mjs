import { join } from 'node:path'
import { giveUp, root, run, say } from '../scripts/run.mjs'
import { checkNode, installPackages } from '../scripts/setup.mjs'
import { ROOMS } from './rooms.cjs'

// Changes lib/ in one place after the other, and says which changes no test notices. With arguments, only in these rooms
// or files: npm run test:mutation -- cookie lib/session/commit.ts. A second run tries again only what has changed.

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ROOMS
const roomOf = (name) => ROOMS.find((room) => name === room || name.startsWith(`lib/${room}/`))
const unknown = wanted.find((name) => !roomOf(name))
if (unknown) giveUp(`${unknown} is neither a room nor a file of one: ${ROOMS.join(', ')}`)

checkNode()
await installPackages()
await installPackages('mutation')
const stryker = join(root, 'mutation/node_modules/@stryker-mutator/core/bin/stryker.js')
for (const room of ROOMS) {
  const names = wanted.filter((name) => roomOf(name) === room)
  if (names.length === 0) continue
  const files = names.includes(room) ? [] : ['--mutate', names.join()]
  const args = [stryker, 'run', 'mutation/stryker.config.mjs', ...files]
  say(`lib/${room}: ${names.join(', ')}`)
  const status = await run(process.execPath, args, { env: { MUTATION_ROOM: room } })
  if (status !== 0) giveUp(`lib/${room} could not be mutated: the messages are above`)
}
