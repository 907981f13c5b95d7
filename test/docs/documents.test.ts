import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRedis } from '../support/redis-server'
import { codeBlocks } from './blocks'
import { buildLibrary } from '../package/build'
import { check, compileAll } from './check'
import { Apps } from './program'
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
let env: NodeJS.ProcessEnv
let apps: Apps

beforeAll(async () => {
  buildLibrary()
  compileAll(
    documents.map(([, document]) => document),
    workshop
  )
  redis = await startRedis()
  env = {
    SECRET: 'a secret of thirty-two bytes or more',
    OLD_SECRET: 'the secret that came before this one',
    REDIS_URL: redis.url
  }
  apps = new Apps(env)
})
afterAll(async () => {
  await apps?.stop()
  await redis?.stop()
  workshop.remove()
})

describe.each(documents)('%s', (_name, document) => {
  for (const block of document) {
    test(`${block.place} ${block.language}: ${block.mark ?? 'no mark'}`, async () => {
      await check(block, { workshop, apps, env, document })
    })
  }
})
