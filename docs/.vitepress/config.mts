import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitepress'

const docs = join(import.meta.dirname, '..')
const title = 'Holdfast'
const description = 'Session middleware for Express that keeps what it says it saved'

/** The pages in the order of the sidebar. A page that is not in a list is found by search and by links. */
const PARTS: Record<string, string[]> = {
  'Start here': ['guide', 'tasks', 'options', 'api', 'troubleshooting'],
  Build: [
    'passport',
    'users-sessions',
    'websockets',
    'flash-and-csrf',
    'typescript',
    'testing',
    'deployment',
    'cli',
    'stores',
    'diagnostics'
  ],
  Switch: [
    'migrating-from-express-session',
    'back-to-express-session',
    'migrating-from-connect-pg-simple',
    'migrating-from-memorystore',
    'migrating-from-cookie-session',
    'migrating-from-iron-session',
    'koa-session'
  ],
  Judge: ['guarantees', 'comparison', 'performance', 'reliability', 'decisions/README']
}

interface Page {
  path: string
  text: string
  title: string
}

function pageOf(name: string): Page {
  const text = readFileSync(join(docs, `${name}.md`), 'utf8').replace(/<!--[^]*?-->\n*/g, '')
  const path = `/${name.replace(/README$/, '')}`
  return { path, text, title: /^# (.+)$/m.exec(text)![1]!.replaceAll('`', '') }
}

const parts = Object.entries(PARTS).map(([text, names]) => ({
  text,
  pages: names.filter((name) => existsSync(join(docs, `${name}.md`))).map(pageOf)
}))

/** For readers that are no browsers (https://llmstxt.org): a list of the pages, and all pages as one text. */
function writeTexts(outDir: string): void {
  const list = parts.map(
    ({ text, pages }) =>
      `## ${text}\n\n${pages.map((page) => `- [${page.title}](${fileOf(page)})`).join('\n')}`
  )
  writeFileSync(join(outDir, 'llms.txt'), `# ${title}\n\n> ${description}\n\n${list.join('\n\n')}\n`)
  const pages = parts.flatMap((part) => part.pages)
  writeFileSync(join(outDir, 'llms-full.txt'), pages.map(({ text }) => text.trim()).join('\n\n'))
  for (const page of pages) writeFileSync(join(outDir, fileOf(page).slice(1)), page.text)
}

const fileOf = ({ path }: Page): string => `${path.replace(/\/$/, '/index')}.md`

export default defineConfig({
  title,
  description,
  lang: 'en',
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  srcExclude: ['node_modules/**'],
  rewrites: { 'decisions/README.md': 'decisions/index.md' },
  // As GitHub names the anchors of headings, so that links hold in both places.
  markdown: {
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .replace(/\s/g, '-')
    },
    languageAlias: { redis: 'sh' }
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // Most readers want to know how, and few want to know why.
          searchOptions: { boostDocument: (id: string) => (id.includes('decisions') ? 0.1 : 1) }
        }
      }
    },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide' },
      { text: 'Options', link: '/options' },
      { text: 'Guarantees', link: '/guarantees' },
      { text: 'Troubleshooting', link: '/troubleshooting' }
    ],
    sidebar: parts.map(({ text, pages }) => ({
      text,
      items: pages.map((page) => ({ text: page.title, link: page.path }))
    }))
  },
  buildEnd: ({ outDir }) => writeTexts(outDir)
})
