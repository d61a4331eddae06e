import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { type Context, defineJob } from '../../worker/define.ts'
import { PermanentError, RetryLater } from '../../worker/errors.ts'
import type { LedgerWriter } from '../load/ledger.ts'

/** What a worker of the fault tests works with. */
export interface Bench {
  readonly ledger: LedgerWriter
  readonly folder: string
}

/** How a job behaves. `once`: fails at its first try. `later`: asks at it for a minute. `gated`: waits until the test opens the gate. `long`: takes ten minutes, the first time that it is begun. */
export const MOODS = ['good', 'permanent', 'failing', 'once', 'later', 'gated', 'killer', 'long'] as const
export type Mood = (typeof MOODS)[number]

const GATE_POLL_MS = 20
const MINUTE_MS = 60_000
const LONG_MS = 10 * MINUTE_MS

/** The one job of the fault tests: it writes down that it began, works for `ms`, and writes down that it is done. */
export const faultJob = defineJob({
  type: 'fault.job',
  schema: z.strictObject({ ms: z.int().min(0).max(60_000), mood: z.enum(MOODS) }),
  retry: { attempts: 3, minDelayMs: 200, maxDelayMs: 200 },
  timeoutMs: 1_200_000,
  async handler({ id, attempt, payload: { ms, mood } }, { signal, resources }: Context<Bench>) {
    const { ledger, folder } = resources
    if (Object.keys(Object.prototype).length > 0 || 'polluted' in {})
      throw new PermanentError('a prototype was polluted')
    ledger.write('started', id)
    if (mood === 'long' && isFirst(folder, id)) await sleep(LONG_MS, undefined, { signal })
    while (mood === 'gated' && !existsSync(gateOf(folder))) await sleep(GATE_POLL_MS, undefined, { signal })
    await sleep(ms, undefined, { signal })
    if (mood === 'killer') process.kill(process.pid, 'SIGKILL')
    if (mood === 'permanent') throw new PermanentError('no such order')
    if (mood === 'later' && attempt === 1) throw new RetryLater(MINUTE_MS)
    if (mood === 'failing' || (mood === 'once' && attempt === 1)) throw new Error('try again')
    ledger.write('done', id)
  },
})

/** Once this file is there, gated jobs go on. */
export function gateOf(folder: string): string {
  return join(folder, 'gate')
}

function isFirst(folder: string, id: string): boolean {
  const mark = join(folder, `begun-${id}`)
  if (existsSync(mark)) return false
  writeFileSync(mark, '')
  return true
}
