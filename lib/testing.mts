export { storeTests } from './testing.js'
export type { StoreTest, StoreTestOptions } from './testing.js'
