import { configuredCookie, type SessionCookie } from './cookie/session-cookie'
import { createBareSigner, createSigner, type Signer } from './cookie/signature'
import { MAX_BYTES } from './cookie/set-cookie'
import { cookieTransport, type Transport } from './cookie/transport'
import { need, SessionError } from './errors'
import { warnInDevelopment } from './events'
import { checkStore, type Secrets, type Settings } from './options'
import { fromStored } from './repository/codec'
import { CONDITIONAL, type ExpressStore } from './repository/express-store'
import { ExpressStoreRepository } from './repository/express-store-repository'
import { RecordRepository } from './repository/record-repository'
import type { Repository } from './repository/repository'
import { checkedMerge } from './repository/values'
import type { SessionRequest } from './request'
import type { Store } from './stores/store'

/** The parts that all requests of one middleware and one store share. */
export interface Shared {
  readonly settings: Settings
  readonly signer: Signer
  readonly transport: Transport
  /** The cookie as the configuration makes it for a request. */
  readonly cookieFor: (req: SessionRequest) => SessionCookie
  readonly store: Store | ExpressStore
  readonly repository: Repository
}

/** Finds what the request shares with others; `only` if there is one store for all. */
export interface Setup {
  readonly of: (req: SessionRequest) => Shared
  readonly only: Shared | undefined
}

export function createSetup(settings: Settings, secrets: Secrets): Setup {
  const { store } = settings
  if (typeof store === 'function') return { of: chooser(settings, secrets, store), only: undefined }
  const only = share(settings, secrets, store)
  return { of: () => only, only }
}

/** The parts that the requests of each store share, made when the store is first chosen. */
function chooser(
  settings: Settings,
  secrets: Secrets,
  storeOf: (req: SessionRequest) => Store | ExpressStore
): (req: SessionRequest) => Shared {
  const made = new WeakMap<object, Shared>()
  let count = 0
  let isRepeated = false
  let isSealed = false
  return (req) => {
    const store = checkStore(storeOf(req))
    let shared = made.get(store)
    if (shared) isRepeated = true
    else {
      if (++count === FEW && !isRepeated) warnInDevelopment('HOLDFAST_OPTIONS', manyStores())
      shared = share(settings, secrets, store)
      // Each would open the seals of the others: a visitor of one would be a visitor of all.
      if (shared.repository.stateless && isSealed) throw secondSeal()
      isSealed ||= shared.repository.stateless
      made.set(store, shared)
    }
    return shared
  }
}

function share(settings: Settings, secrets: Secrets, store: Store | ExpressStore): Shared {
  const { name, codec, cookie, proxy, transport = cookieTransport(settings) } = settings
  if ('contract' in store) {
    const parse = (text: string) => JSON.parse(fromStored(codec, text)) as object
    store.keys?.(typeof secrets === 'function' ? secrets : () => secrets, name, parse)
  }
  const repository = createRepository(settings, store)
  const signer = signerFor(settings, secrets, repository)
  return { settings, store, transport, repository, signer, cookieFor: configuredCookie(cookie, proxy) }
}

function createRepository(settings: Settings, store: Store | ExpressStore): Repository {
  const { timeout, codec, limits, lifetime } = settings
  const merge = settings.merge && checkedMerge(settings.merge)
  if ('contract' in store) {
    // Also without the option: a session that gets another id stays its user's.
    return new RecordRepository(
      store,
      { ...limits, codec },
      timeout,
      merge,
      store.index && store.life && lifetime
    )
  }
  need(
    !(CONDITIONAL in store),
    'the MemoryStore of holdfast/express-session is for the drop-in: take the MemoryStore of holdfast here'
  )
  if (!codec) return new ExpressStoreRepository(store, timeout, merge, limits)
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    'codec has no effect on a store written for express-session, which keeps objects: give it one of its own options'
  )
}

const MAX_ID = 128

function signerFor({ signed, name }: Settings, secrets: Secrets, { stateless }: Repository): Signer {
  if (stateless) return createBareSigner(MAX_BYTES)
  return signed ? createSigner(secrets, name) : createBareSigner(MAX_ID)
}

/** One for each request would keep nothing. Tenants come back, also while an application is developed. */
const FEW = 5

const manyStores = (): string =>
  `store: req => Store has given ${FEW} stores, and none twice, each with sessions of its own: make each once, and give it again`

function secondSeal(): SessionError {
  return new SessionError(
    'ERR_SESSION_OPTIONS',
    'store: req => Store gave a second CookieStore, whose sessions the first would take for its own: take one session() ' +
      'for each, with a name of its own'
  )
}
