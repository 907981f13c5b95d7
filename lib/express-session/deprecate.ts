const warned = new Set<string>()

/** Says once what express-session says, in its words, unless `NO_DEPRECATION` names it. */
export function deprecate(what: string): void {
  const silenced = (process.env.NO_DEPRECATION ?? '').split(/[ ,]+/)
  if (warned.has(what) || silenced.includes('express-session') || silenced.includes('*')) return
  warned.add(what)
  if (process.noDeprecation) return
  // With --throw-deprecation Node ends the process for what express-session, which writes to stderr, only mentions.
  process.emitWarning(
    `express-session deprecated ${what}`,
    process.throwDeprecation ? 'Warning' : 'DeprecationWarning'
  )
}
