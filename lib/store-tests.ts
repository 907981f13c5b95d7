export { storeTests } from './testing/store-tests'
export type { StoreTest, StoreTestOptions } from './testing/store-tests'
