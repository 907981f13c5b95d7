import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRedis } from '../support/redis-server'
import { codeBlocks } from './blocks'
import { buildLibrary } from '../package/build'
import { check, compileAll } from './check'
import { Workshop } from './workshop'

const root = join(__dirname, '../..')
const documents = ['.', 'docs', 'docs/decisions'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file))
    .map((name) => [name, codeBlocks(name, readFileSync(join(root, name), 'utf8'))] as const)
)

const workshop = new Workshop()
let redis: Awaited<ReturnType<typeof startRedis>>

beforeAll(async () => {
  buildLibrary()
  compileAll(
    documents.map(([, document]) => document),
    workshop
  )
  redis = await startRedis()
  // Thirty runs of the compiler, on half a core perhaps.
}, 900_000)
afterAll(async () => {
  await redis?.stop()
  workshop.remove()
})

describe.each(documents)('%s', (_name, document) => {
  for (const block of document) {
    test(`${block.place} ${block.language}: ${block.mark ?? 'no mark'}`, async () => {
      const secrets = {
        SECRET: 'a secret of thirty-two bytes or more',
        OLD_SECRET: 'the secret that came before this one'
      }
      const env = { ...secrets, REDIS_URL: redis.url }
      await check(block, { workshop, env, document })
    })
  }
})
