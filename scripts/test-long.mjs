/** Races, faults, promises and types at length. What is set already, or asked for by pattern, stays as it is. */
process.env.TEST_LONG ??= '1'
process.env.FAULT_REQUESTS ??= '1000'
// Ten times as many take a night.
process.env.RACE_RUNS ??= '10000'
if (process.argv.length === 2)
  process.argv.push(
    'test/races',
    'test/faults',
    'test/promises',
    'test/package',
    'test/security',
    'test/manager',
    'test/demo/show'
  )
await import('./test.mjs')
