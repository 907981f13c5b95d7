export { RedisStore } from './stores/redis/redis-store'
export type {
  IORedisClient,
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
  RedisStoreOptions
} from './stores/redis/redis-store'
