import { Store } from 'express-session'

const DAY = 86_400_000

/** Sessions as JSON in Redis, as koa-session wants a store. `send`: of {@link openRaw}. */
export class PlainStore {
  constructor(send) {
    this.send = send
  }

  async get(id) {
    const text = await this.send('GET', `plain:${id}`)
    return text === null ? null : JSON.parse(text)
  }

  async set(id, session, ttl) {
    await this.send('SET', `plain:${id}`, JSON.stringify(session), 'PX', `${ttl ?? DAY}`)
  }

  async touch(id, ttl) {
    await this.send('PEXPIRE', `plain:${id}`, `${ttl ?? DAY}`)
  }

  async destroy(id) {
    await this.send('DEL', `plain:${id}`)
  }
}

/** The same with callbacks, as express-session and @fastify/session want it. */
export class PlainCallbackStore extends Store {
  #store

  constructor(send) {
    super()
    this.#store = new PlainStore(send)
  }

  get(id, callback) {
    answer(this.#store.get(id), callback)
  }

  set(id, session, callback) {
    answer(this.#store.set(id, session), callback)
  }

  touch(id, _session, callback) {
    answer(this.#store.touch(id), callback)
  }

  destroy(id, callback) {
    answer(this.#store.destroy(id), callback)
  }
}

function answer(promise, callback) {
  promise.then((value) => callback(null, value), callback)
}
