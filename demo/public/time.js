import { language, text } from './texts.js'

const two = (n) => String(n).padStart(2, '0')
const formatter = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'medium' })

export const when = (time) => formatter.format(new Date(time))

/** Milliseconds as a clock, `23:59:58`, with whole days before it: `29 days 23:59:58`. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const days = Math.floor(seconds / 86_400)
  const time = [seconds / 3600 - days * 24, (seconds / 60) % 60, seconds % 60]
    .map((n) => two(Math.floor(n)))
    .join(':')
  return days > 0 ? `${inDays(days)} ${time}` : time
}

/** A limit in words, `of 1 day`. */
export function limit(ms) {
  return text('limit', inDays(Math.round(ms / 86_400_000)))
}

const inDays = (n) => text(n === 1 ? 'day' : 'days', n)
