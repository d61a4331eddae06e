/** One line of the ledger, as far as the order of jobs goes. */
interface Line {
  readonly id: string
  readonly key?: string
}

/**
 * The jobs that were overtaken: done for the first time after a job of the same key that was enqueued later. Pure.
 * @param enqueued in the order in which they were enqueued; those without a key have no order
 * @param done in the order in which they were done
 * @param exempt jobs whose place in the order was given up on purpose: a retry comes later than what follows it
 */
export function overtaken(enqueued: Iterable<Line>, done: Iterable<Line>, exempt: ReadonlySet<string>): string[] {
  const places = new Map<string, { readonly key: string; readonly place: number }>()
  for (const { id, key } of enqueued) {
    if (key !== undefined && !exempt.has(id) && !places.has(id)) places.set(id, { key, place: places.size })
  }
  const furthest = new Map<string, number>()
  const late: string[] = []
  for (const { id } of done) {
    const job = places.get(id)
    if (job === undefined) continue
    // Only the first time counts: a job that is done again was there before.
    places.delete(id)
    if (job.place < (furthest.get(job.key) ?? -1)) late.push(id)
    else furthest.set(job.key, job.place)
  }
  return late
}
