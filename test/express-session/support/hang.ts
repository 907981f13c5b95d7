import { Halt } from '../../support/halt'

/** Makes the next call of a store's method wait: it is asked, and goes on at the test's word. */
export function hang(store: object, name: string): Halt {
  const methods = store as Record<string, (...args: unknown[]) => unknown>
  const method = methods[name]!
  const halt = new Halt()
  methods[name] = function (...args) {
    methods[name] = method
    void halt.here().then(() => method.apply(this, args))
  }
  return halt
}
