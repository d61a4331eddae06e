import { settledWithin } from '../waiting.ts'
import type { Epoch, PartitionCommit } from './group.ts'
import type { Commit } from './offsets.ts'
import type { Partition } from './partition.ts'

export interface CommitterOptions {
  /** Finished records are committed this long after the first of them at the latest. */
  readonly intervalMs: number
  /** A commit is begun when this many are finished, so that it has ended before the bound, four times as many, is reached. */
  readonly count: number
  partitions(): Iterable<Partition>
  epoch(): Epoch
  write(commits: readonly PartitionCommit[], epoch: Epoch): Promise<void>
  /** The broker has a commit: more may start. */
  onCommitted(): void
  onFailed(error: unknown, epoch: Epoch): void
}

const BASE_DELAY_MS = 50
const MAX_DELAY_MS = 2_000

/** Writes what is finished, by time and by count; one commit at a time, so that they arrive in order. */
export class Committer {
  readonly #options: CommitterOptions
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #running: Promise<boolean> | undefined
  #failures = 0
  #stopped = false

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** A record has finished; `uncommitted` of them are not committed now. */
  note(uncommitted: number): void {
    if (uncommitted >= this.#options.count) this.soon()
    else this.#timer ??= setTimeout(this.#run, this.#options.intervalMs)
  }

  /** Commits at the end of this turn of the event loop, or when the commit that is under way has ended. */
  soon(): void {
    // After a failure there is a time for the next try.
    if (this.#failures > 0 && this.#timer !== undefined) return
    this.#immediate ??= setImmediate(this.#run)
  }

  /** Commits until nothing is left to commit, and tries again what fails, for at most `timeoutMs`. Never rejects. */
  async flush(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs
    while (performance.now() < end) {
      const left = Math.max(1, end - performance.now())
      if (this.#running !== undefined) await settledWithin(this.#running, left)
      if (!this.#isDirty) return
      if (this.#running === undefined) await settledWithin(this.#commit(), left)
      if (this.#failures > 0) await new Promise((resolve) => setTimeout(resolve, BASE_DELAY_MS))
    }
  }

  stop(): void {
    this.#stopped = true
    this.#clear()
  }

  get #isDirty(): boolean {
    for (const partition of this.#options.partitions()) if (partition.dirty) return true
    return false
  }

  #clear(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
  }

  #run = async (): Promise<void> => {
    this.#clear()
    if (this.#running !== undefined) await this.#running
    if (this.#stopped || this.#running !== undefined) return
    await this.#commit()
    if (this.#stopped || !this.#isDirty) return
    if (this.#failures > 0) {
      const delayMs = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** Math.min(this.#failures, 10))
      this.#timer ??= setTimeout(this.#run, delayMs * (0.5 + Math.random() / 2))
    } else {
      this.#timer ??= setTimeout(this.#run, this.#options.intervalMs)
    }
  }

  #commit(): Promise<boolean> {
    this.#running = this.#write().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #write(): Promise<boolean> {
    const { partitions, epoch, write, onCommitted, onFailed } = this.#options
    const taken: [Partition, Commit][] = []
    for (const partition of partitions()) {
      const commit = partition.dirty ? partition.commit() : undefined
      if (commit !== undefined) taken.push([partition, commit])
    }
    if (taken.length === 0) return true
    const named = epoch()
    try {
      await write(
        taken.map(([{ topic, partition }, { position, metadata }]) => ({ topic, partition, position, metadata })),
        named,
      )
    } catch (error) {
      this.#failures++
      onFailed(error, named)
      return false
    }
    this.#failures = 0
    for (const [partition, commit] of taken) partition.committed(commit)
    onCommitted()
    return true
  }
}
