const texts = JSON.parse(document.getElementById('texts').textContent)

export const language = document.documentElement.lang

/** A text of the page in its language, with `{0}` and so on filled in. */
export const text = (key, ...values) => texts[key].replace(/{(\d)}/g, (_match, index) => values[index])

/** What the server says in both languages, `中文 / English`, in the page's own. */
export function inLanguage(both) {
  const [zh, en] = both.split(' / ')
  return language === 'en' ? (en ?? zh) : zh
}

/** Milliseconds as people read them: `0.4`, `12`. */
export const ms = (value) => (value < 10 ? value.toFixed(1) : String(Math.round(value)))
