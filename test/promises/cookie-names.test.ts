import { MemoryStore } from '../../lib'
import { Site } from '../support/site'

test('the value of one cookie is worth nothing under the name of another, with the same secret and store', async () => {
  const store = new MemoryStore()
  const [admin, shop] = [await Site.open({ store, name: 'admin' }), await Site.open({ store, name: 'shop' })]
  const visitor = shop.visitor()
  await visitor.ask((s) => void (s.user = 'ann'))
  expect(await visitor.ask((s) => s.user)).toBe('ann')
  const moved = admin.visitor(visitor.cookie)
  expect(await moved.ask((s) => s.user ?? 'nobody')).toBe('nobody')
  const back = shop.visitor()
  await admin.visitor().ask((s) => void (s.user = 'root'))
  expect(await back.ask((s) => s.user ?? 'nobody')).toBe('nobody')
})
