import { SessionCookie } from './cookie/session-cookie'
import { createBareSigner, createSigner, type Signer } from './cookie/signature'
import { MAX_BYTES } from './cookie/set-cookie'
import { cookieTransport, type Transport } from './cookie/transport'
import { SessionError } from './errors'
import { publish } from './events'
import { checkStore, type Settings } from './options'
import { fromStored } from './repository/codec'
import type { ExpressStore } from './repository/express-store'
import { ExpressStoreRepository } from './repository/express-store-repository'
import { RecordRepository } from './repository/record-repository'
import type { Repository } from './repository/repository'
import { isSecure, warnUnbelieved, type SessionRequest } from './request'
import type { VerifiedId } from './session/scope'
import type { Store } from './stores/store'

/** The parts that all requests of one middleware and one store share. */
export interface Shared {
  readonly settings: Settings
  readonly signer: Signer
  readonly transport: Transport
  readonly store: Store | ExpressStore
  readonly repository: Repository
}

/** Finds what the request shares with others; `only` if there is one store for all. */
export interface Setup {
  readonly of: (req: SessionRequest) => Shared
  readonly only: Shared | undefined
}

export function createSetup(settings: Settings): Setup {
  const { store } = settings
  if (typeof store === 'function') return { of: chooser(settings, store), only: undefined }
  const only = share(settings, store)
  return { of: () => only, only }
}

/** The parts that the requests of each store share, made when the store is first chosen. */
function chooser(
  settings: Settings,
  storeOf: (req: SessionRequest) => Store | ExpressStore
): (req: SessionRequest) => Shared {
  const made = new WeakMap<object, Shared>()
  let isSealed = false
  return (req) => {
    const store = checkStore(storeOf(req))
    let shared = made.get(store)
    if (!shared) {
      shared = share(settings, store)
      // Each would open the seals of the others: a visitor of one would be a visitor of all.
      if (shared.repository.stateless && isSealed) throw secondSeal()
      isSealed ||= shared.repository.stateless
      made.set(store, shared)
    }
    return shared
  }
}

function share(settings: Settings, store: Store | ExpressStore): Shared {
  const { secrets, name, codec, transport = cookieTransport(settings) } = settings
  if ('contract' in store) {
    const parse = (text: string) => JSON.parse(fromStored(codec, text)) as object
    store.keys?.(secrets, name, parse)
  }
  const repository = createRepository(settings, store)
  return { settings, store, transport, repository, signer: signerFor(settings, repository) }
}

function createRepository(settings: Settings, store: Store | ExpressStore): Repository {
  const { timeout, merge, codec, limits, lifetime } = settings
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
  if (!codec) return new ExpressStoreRepository(store, timeout, merge, limits)
  throw new SessionError(
    'ERR_SESSION_OPTIONS',
    'codec has no effect on a store written for express-session, which keeps objects: give it one of its own options'
  )
}

const MAX_ID = 128

function signerFor({ secrets, signed, name }: Settings, { stateless }: Repository): Signer {
  if (stateless) return createBareSigner(MAX_BYTES)
  return signed ? createSigner(secrets, name) : createBareSigner(MAX_ID)
}

function secondSeal(): SessionError {
  return new SessionError(
    'ERR_SESSION_OPTIONS',
    'store: req => Store gave a second CookieStore, whose sessions the first would take for its own: take one session() ' +
      'for each, with a name of its own'
  )
}

/** Of several ids in a request, as many are looked at. */
const MAX_VALUES = 4
const NO_IDS: readonly VerifiedId[] = []

/** The ids that came with a right signature, each once. */
export function readIds({ transport, signer }: Shared, req: SessionRequest): readonly VerifiedId[] {
  const values = valuesOf(transport.read(req))
  if (values.length === 0) return NO_IDS
  const found: VerifiedId[] = []
  for (const value of values) {
    const verified = signer.verify(value)
    if (!verified) publish('holdfast:rejected', () => ({ reason: 'bad signature' }))
    else if (!found.some(({ id }) => id === verified.id)) found.push(verified)
  }
  return found
}

/** A transport of an application's own may give anything: what a query holds, say. */
function valuesOf(read: unknown): readonly string[] {
  if (typeof read === 'string') return [read]
  return Array.isArray(read) ? read.filter((one) => typeof one === 'string').slice(0, MAX_VALUES) : []
}

/** The cookie as the configuration makes it: `'auto'` becomes what the connection of this request is. */
export function cookieFor({ cookie, proxy }: Settings, req: SessionRequest): SessionCookie {
  const { secure: given = 'auto' } = cookie
  const secure = given === 'auto' ? isSecure(req, proxy) : given
  if (given === 'auto' && !secure) warnUnbelieved(req, proxy)
  const sameSite = cookie.sameSite === 'auto' ? (isSecure(req, proxy) ? 'none' : 'lax') : cookie.sameSite
  return new SessionCookie({ ...cookie, secure, sameSite })
}
