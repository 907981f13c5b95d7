/** The value below which a share of all lies, between two by straight line. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [low, high] = [Math.floor(at), Math.ceil(at)]
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
}

export const median = (values) => quantile(values, 0.5)

/** The quartiles between which the middle half of the values lies. */
export const middleHalf = (values) => [quantile(values, 0.25), quantile(values, 0.75)]
