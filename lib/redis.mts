export { RedisStore } from './redis.js'
export type {
  IORedisClient,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
  RedisStoreOptions
} from './redis.js'
