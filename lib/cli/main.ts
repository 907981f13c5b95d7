#!/usr/bin/env node
import { run } from './run'

// A reader may stop early: `holdfast list ann | head -3`.
process.stdout.on('error', () => process.exit())

void run(process.argv.slice(2), process).then(({ status, stdout, stderr }) => {
  process.exitCode = status
  if (stdout) process.stdout.write(`${stdout}\n`)
  if (stderr) process.stderr.write(`${stderr}\n`)
})
