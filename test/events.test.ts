import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { publish } from '../lib/events'

describe('publish', () => {
  it('does not even build a message that nobody hears', () => {
    // A channel of the drop-in: channels belong to the process, and the demo listens to the others.
    const message = jest.fn(() => ({}) as never)
    publish('holdfast:lossy', message)
    expect(message).not.toHaveBeenCalled()
  })

  it.each([
    ['holdfast:load', { handle: 'h' }],
    ['holdfast:commit', { handle: 'h', keys: ['n'], merged: true, attempts: 2 }],
    ['holdfast:dropped', { handle: 'h', reason: 'gone' }],
    ['holdfast:error', { operation: 'load', error: new Error('x') }],
    ['holdfast:corrupt', { reason: 'not JSON' }],
    ['holdfast:expired', { handle: 'h' }],
    ['holdfast:rejected', { reason: 'unknown' }]
  ] as const)('tells who listens to %s, and nobody any more after that', (name, message) => {
    const heard: unknown[] = []
    const listen = (told: unknown, by: string | symbol) => heard.push([by, told])
    subscribe(name, listen)
    publish(name, () => message as never)
    unsubscribe(name, listen)
    publish(name, () => message as never)
    expect(heard).toEqual([[name, message]])
  })
})
