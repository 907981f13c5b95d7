import express, { Router, type Request } from 'express'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from './folder'
import { LANGUAGES, textsIn, type Language } from './texts'

const HEADERS = {
  // Only what this server itself sends, nothing inline, no frame around the login form (CSP Level 3).
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  // Not no-referrer: with it a browser sends `Origin: null` with a form, and the check of origins needs the origin.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin'
}

/** The page and its files, and the headers that every answer of the demo carries. */
export function page(): Router {
  const router = Router()
  const folder = join(projectFolder(), 'demo', 'public')
  const pages = renderAll(readFileSync(join(folder, 'index.html'), 'utf8'))
  router.use((_req, res, next) => {
    res.set(HEADERS)
    next()
  })
  router.get(['/', '/index.html'], (req, res) => {
    res.vary('Accept-Language').type('html').send(pages[languageOf(req)])
  })
  router.use(express.static(folder, { index: false }))
  // Browsers ask for it unbidden; the page's own icon is favicon.svg.
  router.get('/favicon.ico', (_req, res) => void res.status(204).end())
  return router
}

/** As the address says, `/?lang=en`; else as the browser prefers. Nothing has to be kept for it. */
function languageOf(req: Request): Language {
  const chosen = LANGUAGES.find((language) => language === req.query.lang)
  return chosen ?? (req.acceptsLanguages(['en', 'zh']) === 'zh' ? 'zh' : 'en')
}

/** `{{key}}` is a text, `{{texts}}` is all of them for the page's scripts. */
function renderAll(template: string): Record<Language, string> {
  const render = (language: Language): string => {
    const texts = textsIn(language)
    const current = Object.fromEntries(
      LANGUAGES.map((other) => [`current.${other}`, other === language ? 'true' : 'false'])
    )
    const json = JSON.stringify(texts).replaceAll('<', '\\u003c')
    return template.replace(/{{([\w.]+)}}/g, (_match, key: string) => {
      if (key === 'texts') return json
      if (key === 'lang') return language === 'zh' ? 'zh-CN' : 'en'
      const text = current[key] ?? texts[key]
      if (text === undefined) throw new Error(`index.html asks for a text that is not there: ${key}`)
      return text
    })
  }
  return { zh: render('zh'), en: render('en') }
}
