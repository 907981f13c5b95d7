export { RedisStore } from './redis.js'
export type { NodeRedisClient, NodeRedisCluster, RedisClient, RedisStoreOptions } from './redis.js'
