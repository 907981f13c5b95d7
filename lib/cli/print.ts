const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000]
] as const

/** JSON in one line, or indented. Characters that a terminal takes for commands are escaped. */
export function printJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(COMMANDS, escaped)
}

/** A text as it is, but for what a terminal would take for a command of its own. */
export function printable(text: string): string {
  return text.replace(COMMANDS, escaped).replaceAll('\n', '\\n')
}

/** Rows in columns, as wide as what is in them, with two spaces between. */
export function printTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)))
  const lineOf = (row: readonly string[]) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')
  return rows.map((row) => lineOf(row).trimEnd()).join('\n')
}

/** A moment in UTC, `2026-11-22 13:36:00Z`. */
export function printTime(moment: Date): string {
  return moment.toISOString().replace('T', ' ').replace(/\.\d+/, '')
}

/** A duration, given in milliseconds, in its two largest units: `1 d 3 h`. */
export function printDuration(duration: number): string {
  const first = UNITS.findIndex(([, size]) => duration >= size)
  if (first === -1) return 'less than 1 s'
  let rest = duration
  const parts = UNITS.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count > 0 ? `${count} ${name}` : ''
  })
  return parts.filter(Boolean).join(' ')
}

/** Control and format characters (Unicode, general categories Cc and Cf); a line break is none of them here. */
const COMMANDS = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu

function escaped(character: string): string {
  return character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
