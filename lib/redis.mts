export { RedisStore } from './redis.js'
