import { Router } from 'express'
import type { Session, SessionData, Sessions, Store } from '../../lib/index'
import { nameIn, readBody } from '../body'
import { Refusal } from '../errors'
import type { Logouts } from '../logouts'
import '../session-data'

interface DeviceOptions {
  sessions: Sessions
  store: Store
  /** Ends sessions that the store cannot. */
  logouts?: Logouts | undefined
}

const SEALED =
  '会话封在各自的 Cookie 里，服务器上什么也没有，所以列不出设备；但此前封好的可以一律不认，直到服务器重启。' +
  ' / Sessions are sealed in their cookies and nothing is on the server, so there is no list of devices. ' +
  'Those sealed before can be refused all the same, until the server restarts.'
const UNKNOWN = '这种存储说不出哪些会话是谁的 / this store cannot tell which sessions are whose'

/** The devices on which a user is logged in: a list of them, and the end of one or of all but this one. */
export function deviceRoutes({ sessions, store, logouts }: DeviceOptions): Router {
  const router = Router()
  const reason = logouts ? SEALED : UNKNOWN

  router.get('/users/devices', async (req, res) => {
    const { userinfo: user, handle } = await req.session.load()
    if (user === undefined) res.json({ ok: 1, message: '成功', user: null, devices: [] })
    else if (!hasDevices(store)) res.json({ ok: 1, message: '成功', user, devices: null, reason })
    else {
      const devices = (await sessions.list(user)).map(({ handle: name, createdAt, lastSeenAt, data }) => ({
        handle: name,
        browser: data.browser ?? null,
        firstSeen: createdAt,
        lastSeen: lastSeenAt,
        current: name === handle
      }))
      res.json({ ok: 1, message: '成功', user, devices })
    }
  })

  router.post('/users/devices/logout', readBody, async (req, res) => {
    const handle = nameIn(req.body, 'handle')
    const session = await req.session.load()
    const user = userOf(session)
    if (!hasDevices(store)) throw new Refusal(404, reason)
    // This one's browser is told, too. A device that was logged out meanwhile, or is another user's, is none: 0.
    const ended =
      handle === session.handle
        ? await session.destroy().then(() => 1)
        : await sessions.destroy(user, { handle })
    res.json({ ok: 1, message: '退出成功', ended })
  })

  router.post('/users/devices/logout-others', async (req, res) => {
    const session = await req.session.load()
    const user = userOf(session)
    if (hasDevices(store)) {
      const ended = await sessions.destroy(user, { except: session })
      res.json({ ok: 1, message: '退出成功', ended })
      return
    }
    if (!logouts) throw new Refusal(404, reason)
    logouts.note(user)
    // Sealed anew, this one alone comes after that moment. How many came before it, nobody knows.
    await session.regenerate({ keep: ['count', 'userinfo', 'usr', 'browser'] })
    res.json({ ok: 1, message: '退出成功', ended: null })
  })
  return router
}

/** Whether a store can say which sessions are whose, as the option `user` needs it. */
export function hasDevices(store: Store): boolean {
  return store.index !== undefined && store.life !== undefined
}

function userOf({ userinfo }: Session & Partial<SessionData>): string {
  if (userinfo === undefined) throw new Refusal(401, '请先登录 / log in first')
  return userinfo
}
