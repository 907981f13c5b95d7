import { CircuitBreaker } from '../../lib/repository/guarded-store'
import { advance } from '../support/clock'

const silence = (breaker: CircuitBreaker, times: number) => {
  for (let i = 0; i < times; i++) breaker.timedOut(`id ${i}`)
}

describe('CircuitBreaker', () => {
  it('asks until three deadlines in a row have passed', () => {
    const breaker = new CircuitBreaker()
    silence(breaker, 2)
    expect(breaker.allows()).toBe(true)
    silence(breaker, 1)
    expect(breaker.allows()).toBe(false)
  })

  it('counts from the last answer', () => {
    const breaker = new CircuitBreaker()
    silence(breaker, 2)
    breaker.answered()
    silence(breaker, 2)
    expect(breaker.allows()).toBe(true)
  })

  it('lets one request ask again after five seconds', () => {
    const breaker = new CircuitBreaker()
    silence(breaker, 3)
    advance(4000)
    expect(breaker.allows()).toBe(false)
    advance(1001)
    expect([breaker.allows(), breaker.allows()]).toEqual([true, false])
    silence(breaker, 1)
    advance(4000)
    expect(breaker.allows()).toBe(false)
    advance(5001)
    expect([breaker.allows(), breaker.allows()]).toEqual([true, false])
  })

  it('lets all through after one answer', () => {
    const breaker = new CircuitBreaker()
    silence(breaker, 5)
    breaker.answered()
    expect([breaker.allows(), breaker.allows()]).toEqual([true, true])
  })
})
