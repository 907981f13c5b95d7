import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { openRaw } from './clients.mjs'

const DAY = 86_400_000

/**
 * The least that a session in Redis can cost on this Node and client: a signed id, one read that renews, one write. It
 * keeps none of a library's promises.
 */
export async function least({ store }, { secret, url }) {
  const send = await openRaw(store, url)
  const sign = (id) => createHmac('sha256', secret).update(id).digest('base64url')

  return {
    middleware(req, res, next) {
      req.sessionId = verified(req.headers.cookie)
      if (req.sessionId === undefined) {
        req.session = {}
        return next()
      }
      void send('GETEX', `least:${req.sessionId}`, 'PX', `${DAY}`).then((text) => {
        req.session = JSON.parse(text)
        next()
      }, next)
    },
    open: (req) => req.session,
    save: (req, res) => {
      if (req.sessionId === undefined) begin(req, res)
      return send('SET', `least:${req.sessionId}`, JSON.stringify(req.session), 'PX', `${DAY}`)
    },
    login: async (req, data) => {
      const old = req.sessionId
      req.sessionId = undefined
      req.session = data
      await send('DEL', `least:${old}`)
    }
  }

  function begin(req, res) {
    req.sessionId = randomBytes(32).toString('base64url')
    res.setHeader('Set-Cookie', `sid=${req.sessionId}.${sign(req.sessionId)}; Path=/; HttpOnly`)
  }

  function verified(header) {
    const [, id, signature] = /(?:^|; )sid=([\w-]+)\.([\w-]+)/.exec(header ?? '') ?? []
    if (id === undefined) return undefined
    const right = sign(id)
    return signature.length === right.length && timingSafeEqual(Buffer.from(signature), Buffer.from(right))
      ? id
      : undefined
  }
}
