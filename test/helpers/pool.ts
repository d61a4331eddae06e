import { setImmediate as turn } from 'node:timers/promises'
import type { Observer } from '../../worker/contracts.ts'
import type { InlineJob } from '../../worker/define.ts'
import { Pool } from '../../worker/pool.ts'
import type { PoolOptions } from '../../worker/pool-options.ts'

const POLICY = { attempts: 3, minDelayMs: 1_000, maxDelayMs: 1_000, factor: 1 }
const LOG = { debug() {}, info() {}, warn() {}, error() {} }
/** An observer that looks away. */
export const UNSEEN: Observer = { started() {}, settled() {}, event() {} }

/** A pool of four slots with defaults that suit tests. */
export function poolOf(
  jobs: InlineJob<any, any, any>[],
  options: Partial<PoolOptions> & { timeoutMs?: number } = {},
): Pool {
  const { timeoutMs = 10_000, ...rest } = options
  return new Pool({
    jobs: new Map(
      jobs.map((definition) => [definition.type, { definition, inThread: false, timeoutMs, policy: POLICY }]),
    ),
    concurrency: 4,
    threads: 1,
    policy: POLICY,
    ladderMs: [1_000],
    limits: { maxBodyBytes: 10_000, maxDepth: 8 },
    missingId: 'derive',
    abortGraceMs: 20,
    resources: undefined,
    observer: UNSEEN,
    log: LOG,
    random: Math.random,
    wallClock: Date.now,
    now: () => performance.now(),
    ...rest,
  })
}

/** Opened by the test, waited for by a handler. */
export const gate = () => Promise.withResolvers<void>()
/** So many turns of the event loop. */
export const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await turn()
}
