/**
 * A life in whole milliseconds, rounded up, so that nothing ends before its time.
 *
 * @throws RangeError where it is not a positive number: a fault of the caller, not of the store.
 */
export function wholeMilliseconds(ttl: number): number {
  const whole = Math.ceil(ttl)
  if (!Number.isSafeInteger(whole) || whole <= 0) {
    throw new RangeError(`A store needs a ttl above 0 in milliseconds, not ${ttl}`)
  }
  return whole
}
