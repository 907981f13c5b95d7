import { fails, answerLost, type Operation } from '../support/counting-store'
import { Site } from '../support/site'
import { onBothStores } from '../races/support/stores'

const LIFE = 60_000

onBothStores((store) => {
  describe.each<[string, typeof fails]>([
    ['fails', fails],
    ['is done, and its answer is lost', answerLost]
  ])('a session with a life of its own does not outlive it where', (what, fault) => {
    test.each<Operation>(['get', 'touch', 'set'])(`%s ${what}`, async (operation) => {
      const site = await Site.open({ store: store() })
      const visitor = site.visitor()
      await visitor.ask((s) => void (s.cookie.maxAge = LIFE))
      const { id } = visitor
      expect(await store().life!(id)).toBeLessThanOrEqual(LIFE)
      for (const handler of [
        () => null,
        () => site.visitor(),
        (s: object) => void Object.assign(s, { n: 1 })
      ]) {
        site.store.next(operation, fault)
        await visitor.clone().visit(handler as () => unknown)
        expect((await store().life!(id)) ?? 0).toBeLessThanOrEqual(LIFE)
      }
    })
  })
})
