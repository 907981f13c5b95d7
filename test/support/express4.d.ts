/** Express 4 is installed under another name. What the tests use of it has not changed since. */
declare module 'express4' {
  import express from 'express'

  export default express
}
