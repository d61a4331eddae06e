/** A broker's version, major and minor. */
export interface Version {
  readonly major: number
  readonly minor: number
}

/** Reads `4.3.1`, `3.10.8+dev`. A text that is no version counts as the oldest one, whose rules are the most careful. */
export function versionOf(text: unknown): Version {
  const found = /^(\d+)\.(\d+)/.exec(String(text))
  return found === null ? { major: 0, minor: 0 } : { major: Number(found[1]), minor: Number(found[2]) }
}

// Features are known by version only: RabbitMQ accepts arguments that it does not know.

/** From 4.3 on a `nack` with requeue does not count as a delivery; before, it does. */
export function nackIsFree({ major, minor }: Version): boolean {
  return major > 4 || (major === 4 && minor >= 3)
}

/** From 4.0 on a delivery limit of -1 means none, and leaving it out means 20. 3.10 accepts -1 and then misbehaves. */
export function hasUnlimitedDeliveries({ major }: Version): boolean {
  return major >= 4
}
