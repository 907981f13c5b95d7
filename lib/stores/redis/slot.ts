/** CRC16 (XMODEM) of each byte. */
const CRC = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/**
 * The slot of a key in a Redis Cluster: CRC16 of the key, or of what is between its first `{` and the next
 * `}` if there is anything (Redis Cluster specification, "Key distribution model" and "Hash tags").
 */
export function slotOf(key: string): number {
  const open = key.indexOf('{')
  const close = open < 0 ? -1 : key.indexOf('}', open + 1)
  let crc = 0
  for (const byte of Buffer.from(close > open + 1 ? key.slice(open + 1, close) : key)) {
    crc = ((crc << 8) ^ CRC[((crc >> 8) ^ byte) & 0xff]!) & 0xffff
  }
  return crc & 0x3fff
}
