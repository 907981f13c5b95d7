import type { Store } from '../../lib/stores/store'

const MINUTE = 60_000
let ids = 0
const newId = (): string => `life-${process.pid}-${Date.now()}-${ids++}`

/** Our stores take more than the contract says: what is not a whole number is rounded up, what is no life is refused. */
export function testLives(make: () => Store): void {
  test('a ttl that is not whole is rounded up', async () => {
    const store = make()
    const id = newId()
    expect(await store.set(id, 'blink', 0.25, null)).toEqual({ id })
    while ((await store.get(id)) !== null);
    expect(await store.set(id, 'kept', MINUTE + 0.5, null)).toEqual({ id })
    expect(await store.touch(id, MINUTE + 0.5)).toBe(true)
    expect(await store.get(id, MINUTE + 0.5)).toBe('kept')
  })

  test.each([0, -1, NaN, Infinity, -Infinity])(
    'a ttl of %p is an error, and nothing changes',
    async (ttl) => {
      const store = make()
      const [id, fresh] = [newId(), newId()]
      await store.set(id, 'kept', MINUTE, null)
      await expect(store.get(id, ttl)).rejects.toThrow()
      await expect(store.touch(id, ttl)).rejects.toThrow()
      await expect(store.set(id, 'other', ttl, 'kept')).rejects.toThrow()
      await expect(store.set(fresh, 'other', ttl, null)).rejects.toThrow()
      expect(await store.get(id)).toBe('kept')
      expect(await store.get(fresh)).toBeNull()
    }
  )
}
