export { testCookie } from './testing.js'
