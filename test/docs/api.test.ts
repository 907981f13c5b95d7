import { join } from 'node:path'
import { run } from '../package/project'

test('docs/api.md lists every public name with its type, as the docstrings say', async () => {
  const script = join(__dirname, '../../scripts/api-docs.mjs')
  expect(await run(process.execPath, [script, '--check'], __dirname)).toEqual({ status: 0, output: '' })
})
