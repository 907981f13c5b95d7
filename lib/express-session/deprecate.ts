const warned = new Set<string>()

/** Says once what express-session says, in its words, unless `NO_DEPRECATION` names it. */
export function deprecate(what: string): void {
  const silenced = (process.env.NO_DEPRECATION ?? '').split(/[ ,]+/)
  if (warned.has(what) || silenced.includes('express-session') || silenced.includes('*')) return
  warned.add(what)
  process.emitWarning(`express-session deprecated ${what}`, 'DeprecationWarning')
}
