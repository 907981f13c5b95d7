export { storeTests } from './store-tests.js'
export type { StoreTest, StoreTestOptions } from './store-tests.js'
