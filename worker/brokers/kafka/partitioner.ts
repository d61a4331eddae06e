/**
 * Murmur2 of 32 bits, as the Java client has it for keys: the same key goes to the same partition, whoever produces it.
 * https://github.com/aappleby/smhasher/blob/master/src/MurmurHash2.cpp
 */
export function murmur2(key: Uint8Array): number {
  const { length } = key
  let hash = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24)
    word = Math.imul(word, MIX)
    word ^= word >>> 24
    hash = Math.imul(hash, MIX) ^ Math.imul(word, MIX)
  }
  if (at < length) {
    for (let rest = length - 1; rest >= at; rest--) hash ^= key[rest]! << (8 * (rest - at))
    hash = Math.imul(hash, MIX)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MIX)
  return hash ^ (hash >>> 15)
}

const MIX = 0x5bd1e995

/** Chooses partitions of one topic: by the key, else one after the other of those that have a leader. */
export class Partitioner {
  #next: number

  /** `start`: where the turns begin, any whole number from 0 on. */
  constructor(start: number) {
    this.#next = start
  }

  /** `count`: of all partitions, numbered from 0. `led`: those with a leader. */
  partitionOf(key: Uint8Array | null, count: number, led: readonly number[]): number {
    if (key !== null) return (murmur2(key) & 0x7fffffff) % count
    this.#next++
    return led.length > 0 ? led[this.#next % led.length]! : this.#next % count
  }
}
