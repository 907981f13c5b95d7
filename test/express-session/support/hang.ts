/** Makes the next call of a store's method wait: it is asked, and goes on at the test's word. */
export function hang(store: object, name: string): { asked: Promise<void>; goOn: () => void } {
  const methods = store as Record<string, (...args: unknown[]) => unknown>
  const method = methods[name]!
  let tell!: () => void
  let goOn!: () => void
  const asked = new Promise<void>((resolve) => (tell = resolve))
  const released = new Promise<void>((resolve) => (goOn = resolve))
  methods[name] = function (...args) {
    methods[name] = method
    tell()
    void released.then(() => method.apply(this, args))
  }
  return { asked, goOn }
}
