/** Whether this is `npm run test:long`, with more attempts (CONTRIBUTING.md, "Short form and long form"). */
export const isLong = Boolean(process.env.TEST_LONG)
