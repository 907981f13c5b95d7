const fastCheck = require('../node_modules/fast-check/lib/cjs/fast-check')

// The same values for each mutant, and no search for the smallest one that finds it.
fastCheck.configureGlobal({ numRuns: 50, seed: 1, endOnFailure: true })
module.exports = fastCheck
