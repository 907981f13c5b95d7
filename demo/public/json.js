let before = {}

/**
 * Shows a stored text, one element for each top-level key, and marks the keys whose value has changed since the last
 * time.
 */
export function showJson(target, text) {
  const now = text === null ? {} : JSON.parse(text)
  const entries = Object.entries(now)
  const lines = entries.map(([key, value], index) => {
    const line = document.createElement('span')
    line.textContent = `  ${JSON.stringify(key)}: ${pretty(value, '  ')}${index < entries.length - 1 ? ',' : ''}\n`
    line.className = key === '@' ? 'own' : 'key'
    line.classList.toggle('changed', key !== '@' && JSON.stringify(before[key]) !== JSON.stringify(value))
    return line
  })
  target.replaceChildren('{\n', ...lines, '}')
  before = now
}

/** JSON with a line for each key of an object, and arrays on one line. */
function pretty(value, indent) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
  const deeper = `${indent}  `
  const lines = Object.entries(value).map(
    ([key, item]) => `${deeper}${JSON.stringify(key)}: ${pretty(item, deeper)}`
  )
  return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`
}
