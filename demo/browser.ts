/** What names itself goes first: most browsers also claim to be Chrome, and Chrome claims to be Safari. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['WeChat', /MicroMessenger\//],
  ['Edge', /Edg(e|A|iOS)?\//],
  ['Opera', /OPR\/|Opera/],
  ['Samsung Internet', /SamsungBrowser\//],
  ['Firefox', /Firefox\/|FxiOS\//],
  ['Chrome', /Chrome\/|CriOS\//],
  ['Safari', /Safari\//]
]

const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['HarmonyOS', /HarmonyOS/],
  ['Android', /Android/],
  ['iOS', /iPhone|iPod/],
  ['iPadOS', /iPad/],
  ['Windows', /Windows/],
  ['macOS', /Macintosh/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux/]
]

/**
 * A browser and its system, `Firefox · Windows`, by what its User-Agent header says; undefined where that names neither.
 * For people to tell their devices apart: anybody can send any header.
 */
export function browserOf(userAgent: string | undefined): string | undefined {
  const names = [BROWSERS, SYSTEMS].map(
    (list) => list.find(([, pattern]) => pattern.test(userAgent ?? ''))?.[0]
  )
  return names.filter((name) => name !== undefined).join(' · ') || undefined
}
