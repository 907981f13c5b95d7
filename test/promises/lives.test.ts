import { answerLost, type Fault, fails } from '../support/counting-store'
import { Site, until, type Handler, type Visitor } from '../support/site'
import { onBothStores } from '../races/support/stores'

const LIFE = 60_000

const HANDLERS: Handler[] = [() => null, (s) => s.touch(), (s) => void (s.n = 1)]

/** What becomes of the n-th command of all that follow. */
function only(nth: number, fault: Fault): Fault {
  let count = 0
  return (ask, call) => (++count === nth ? fault(ask, call) : ask())
}

onBothStores((store) => {
  describe.each<[string, Fault]>([
    ['fails', fails],
    ['is done, and its answer is lost', answerLost]
  ])('a session with a life of its own does not outlive it where', (what, fault) => {
    test.each([1, 2, 3])(`command %i of a request ${what}`, async (nth) => {
      const site = await Site.open({ store: store() })
      const visitor = site.visitor()
      await visitor.ask((s) => void (s.n = 0))
      // A cookie from before, which does not say the life: the first read gives the common one.
      const before = visitor.clone()
      await visitor.ask((s) => void (s.cookie.maxAge = LIFE))
      const { id } = visitor
      const outlives = async () => ((await store().life!(id)) ?? 0) > LIFE
      const ask = async (who: Visitor, handler: Handler) => {
        site.store.always(only(nth, fault))
        await who.clone().visit(handler)
        site.store.always(undefined)
      }
      for (const handler of HANDLERS) {
        await ask(visitor, handler)
        expect(await outlives()).toBe(false)
        // If the answer to its first read is lost, nobody knows of another life.
        if (nth === 1) continue
        await ask(before, handler)
        // Another attempt, in the background, sets it right.
        await until(async () => !(await outlives()))
      }
    })
  })
})
