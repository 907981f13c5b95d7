import express, { Router } from 'express'
import { join } from 'node:path'
import { projectFolder } from './folder'

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
  router.use((_req, res, next) => {
    res.set(HEADERS)
    next()
  })
  router.use(express.static(join(projectFolder(), 'demo', 'public')))
  // Browsers ask for it unbidden; the page's own icon is favicon.svg.
  router.get('/favicon.ico', (_req, res) => void res.status(204).end())
  return router
}
