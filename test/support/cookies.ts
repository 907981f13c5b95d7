/** Keeps cookies as a browser does, by their name alone. */
export class Cookies extends Map<string, string> {
  /** All of them, as a request carries them. */
  get header(): string {
    return [...this].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The headers of a request, which have no cookie if there is none. */
  get headers(): Record<string, string> {
    return this.size > 0 ? { cookie: this.header } : {}
  }

  /** Takes over the cookies of a response, and drops those that it ends. */
  keep(setCookies: readonly string[]): void {
    for (const line of setCookies) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
      const expires = /; Expires=([^;]*)/.exec(line)?.[1]
      if (expires !== undefined && Date.parse(expires) <= Date.now()) this.delete(name)
      else this.set(name, value)
    }
  }
}

/** When the cookie of a response ends, in milliseconds from now; undefined: with the browser. */
export function endOf(setCookies: readonly string[]): number | undefined {
  expect(setCookies).toHaveLength(1)
  const expires = /; Expires=([^;]+)/.exec(setCookies[0]!)?.[1]
  return expires === undefined ? undefined : Date.parse(expires) - Date.now()
}
