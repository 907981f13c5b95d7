import { refusePromise, SessionError } from '../errors'
import type { Data } from './merge'
import { CorruptRecord, encodeData, encodeRecord, META, type Frame } from './record'

/** Converts the application's data to the text in the store and back; `decode` reverses `encode`. */
export interface Codec {
  readonly encode: (data: Data) => string
  readonly decode: (text: string) => Data
}

/**
 * What the store keeps for a record. In an application's own form, what is Holdfast's follows on a line of its own: it
 * never passes through the application's hands, which may drop what they do not know.
 */
export function toStored(codec: Codec | undefined, dataText: string, frame: Frame): string {
  if (!codec) return encodeRecord(dataText, frame)
  const stored: unknown = codec.encode(JSON.parse(dataText) as Data)
  if (stored instanceof Promise) refusePromise(stored, 'codec.encode')
  if (typeof stored === 'string') return `${stored}\n${encodeRecord('{}', frame)}`
  throw new SessionError('ERR_SESSION_OPTIONS', 'codec.encode must return a string')
}

/**
 * The text of the record in what the store keeps.
 *
 * @throws CorruptRecord
 */
export function fromStored(codec: Codec | undefined, stored: string): string {
  if (!codec) return stored
  const line = stored.lastIndexOf('\n') + 1
  const own =
    line > 0 && stored.startsWith('{', line) && stored.includes(`"${META}":{`, line) ? line : undefined
  const data: unknown = attempt(codec, own === undefined ? stored : stored.slice(0, own - 1))
  if (data instanceof Promise) refusePromise(data, 'codec.decode')
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new SessionError('ERR_SESSION_OPTIONS', 'codec.decode must return an object')
  }
  const text = encodeData(data as Data)
  if (own === undefined) return text
  return text === '{}' ? stored.slice(own) : `${text.slice(0, -1)},${stored.slice(own + 1)}`
}

function attempt({ decode }: Codec, text: string): Data {
  try {
    return decode(text)
  } catch {
    throw new CorruptRecord('not what codec.decode reads')
  }
}
