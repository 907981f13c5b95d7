import { Store } from 'express-session'

const DAY = 86_400_000

/** Sessions as JSON in Redis, as koa-session wants a store. */
export class PlainStore {
  constructor(redis) {
    this.redis = redis
  }

  async get(id) {
    const text = await this.redis.get(`plain:${id}`)
    return text === null ? null : JSON.parse(text)
  }

  async set(id, session, ttl) {
    await this.redis.set(`plain:${id}`, JSON.stringify(session), 'PX', ttl ?? DAY)
  }

  async touch(id, ttl) {
    await this.redis.pexpire(`plain:${id}`, ttl ?? DAY)
  }

  async destroy(id) {
    await this.redis.del(`plain:${id}`)
  }
}

/** The same with callbacks, as express-session and @fastify/session want it. */
export class PlainCallbackStore extends Store {
  #store

  constructor(redis) {
    super()
    this.#store = new PlainStore(redis)
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
