import { IdIndex, NONE } from '../../../lib/stores/memory/table'

test('a search looks at a handful of ids, however many there are', () => {
  let looks = 0
  const ids = ['none']
  const index = new IdIndex((entry) => (looks++, ids[entry]!))
  for (let entry = 1; entry <= 50_000; entry++) {
    ids[entry] = `id-${entry}`
    index.add(entry)
  }
  looks = 0
  const wrong = ids.filter((id, entry) => index.find(id) !== (entry === 0 ? NONE : entry))
  expect(wrong).toEqual([])
  expect(looks / ids.length).toBeLessThan(3)
})
