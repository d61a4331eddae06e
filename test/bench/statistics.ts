/** Of some figures, the middle and the ends. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = figures.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  const median = (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2
  return { min: sorted[0]!, median, max: sorted.at(-1)! }
}

/** The spread with so many digits behind the point. */
export function rounded({ min, median, max }: Spread, digits: number): Spread {
  const round = (figure: number) => Number(figure.toFixed(digits))
  return { min: round(min), median: round(median), max: round(max) }
}

/** `1.74 (1.55-3.64)`: the median and the ends. */
export function show({ min, median, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`
}
