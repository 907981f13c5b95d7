import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TEXTS } from '../../demo/texts'

const folder = join(__dirname, '../../demo/public')
const sources = readdirSync(folder).filter((name) => /\.(html|js)$/.test(name))
const page = sources.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')

it.each(Object.entries(TEXTS))('%s is shown somewhere, and says the same in both languages', (key, texts) => {
  expect(page).toMatch(new RegExp(`{{${key}}}|'${key}'`))
  const [zh, en] = texts.map((text) => (text.match(/{\d}/g) ?? []).sort())
  expect(zh).toEqual(en)
})

it('has no Chinese in its English, and no Chinese in the page itself but the name of the language', () => {
  const english = Object.values(TEXTS).map(([, en]) => en)
  expect(english.filter((text) => /\p{Script=Han}/u.test(text))).toEqual([])
  const html = readFileSync(join(folder, 'index.html'), 'utf8')
  expect(html.match(/\p{Script=Han}+/gu)).toEqual(['中文'])
})
