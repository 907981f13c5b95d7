import fc from 'fast-check'

/** Every character, as fast-check's unit `binary` has them, without its table of a million characters: a second of work in each file. */
const character = fc.nat(0x10ffff - 0x800).map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800))

/** Texts of any characters, of up to `maxLength` of them. */
export const anyText = (maxLength?: number): fc.Arbitrary<string> =>
  fc.string({ unit: character, ...(maxLength !== undefined && { maxLength }) })
