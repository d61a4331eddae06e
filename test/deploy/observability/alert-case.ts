/** A story of a few series, and whether an alert fires at its end. */
export interface AlertCase {
  readonly alert: string
  readonly title: string
  /** Values a minute apart, in promtool's notation: `0x5 4x10` is six times 0, then eleven times 4; `0+2x9` grows by 2. */
  readonly series: Readonly<Record<string, string>>
  /** When it is looked at. */
  readonly at: string
  /** What the alert then says; without it, it does not fire. */
  readonly fires?: { readonly labels: Readonly<Record<string, string>>; readonly description: string }
}

/** The labels of the exporter's series. */
export const QUEUE = 'namespace="shop",queue="orders"'
export const THE_QUEUE = { namespace: 'shop', queue: 'orders' }

/** The labels of the series of a worker. */
export const pod = (name: string) => `${QUEUE},pod="worker-7d9f8b6c5-${name}"`
export const POD = pod('abcde')
