export { RedisStore } from './stores/redis/redis-store'
export type {
  NodeRedisClient,
  NodeRedisCluster,
  RedisClient,
  RedisStoreOptions
} from './stores/redis/redis-store'
