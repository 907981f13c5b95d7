import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

test('docs/options.md says what the docstrings of the options say', () => {
  const script = join(__dirname, '../../scripts/options.mjs')
  execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })
})
