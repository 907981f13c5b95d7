import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRedis } from '../support/redis-server'
import { codeBlocks } from './blocks'
import { buildLibrary } from '../package/build'
import { check } from './check'
import { Workshop } from './workshop'

const root = join(__dirname, '../..')
const documents = ['.', 'docs', 'docs/decisions'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file))
)

const workshop = new Workshop()
let redis: Awaited<ReturnType<typeof startRedis>>

beforeAll(async () => {
  buildLibrary()
  redis = await startRedis()
})
afterAll(async () => {
  await redis?.stop()
  workshop.remove()
})

describe.each(documents)('%s', (name) => {
  const document = codeBlocks(name, readFileSync(join(root, name), 'utf8'))

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
