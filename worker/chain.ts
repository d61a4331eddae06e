/** What an item of a chain lends to it. Undefined while the item is in none. */
export interface Link<T> {
  older: T | undefined
  newer: T | undefined
}

/**
 * A set of what is under way, threaded through its items. Not a `Set`: with as many deletions as additions, each of its
 * outgrown tables points to the next one, so that a table that has grown old drags every later item through the garbage
 * collector's old generation. Removed items point nowhere, for the same reason. An item is in one chain at a time.
 */
export class Chain<T extends Link<T>> {
  #newest: T | undefined

  add(item: T): void {
    const newest = this.#newest
    item.older = newest
    if (newest !== undefined) newest.newer = item
    this.#newest = item
  }

  /** Takes out an item that is in this chain. */
  remove(item: T): void {
    const { older, newer } = item
    if (older !== undefined) older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    item.older = undefined
    item.newer = undefined
  }

  /** A copy, the newest first. */
  items(): T[] {
    const items: T[] = []
    for (let item = this.#newest; item !== undefined; item = item.older) items.push(item)
    return items
  }
}
