/** Prints what goes wrong with express-session and with the drop-in, over the same schedules. */
process.env.TEST_LONG ??= '1'
process.env.DIFFERENTIAL_TABLE ??= '1'
process.argv.push('test/races/differential')
await import('./test.mjs')
