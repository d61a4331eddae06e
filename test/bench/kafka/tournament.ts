import { join } from 'node:path'
import { runContestant } from '../contestant.ts'
import type { Length } from '../duel.ts'
import type { Measurement } from '../meter.ts'
import type { Task } from '../scenarios.ts'
import { rounded, type Spread, spreadOf } from '../statistics.ts'
import type { Bout } from './bouts.ts'
import { BenchTopic } from './topic.ts'

/** What one contestant came to; ratios are its figure divided by the reference's of the same round. */
export interface Standing {
  readonly name: string
  readonly ratios: { readonly throughput: Spread; readonly cpu: Spread; readonly peakMemory: Spread }
  readonly jobsPerSecond: Spread
  readonly cpuMsPer1000: Spread
  readonly peakMb: Spread
}

export interface BoutResult {
  readonly bout: string
  readonly reference: string
  readonly aim: Bout['aim']
  readonly standings: readonly Standing[]
}

const throughput = ({ jobs, wallMs }: Measurement) => (jobs / wallMs) * 1_000
const cpu = ({ jobs, cpuMs }: Measurement) => (cpuMs / jobs) * 1_000
const memory = ({ peakMb }: Measurement) => peakMb

/** Lets all contestants, whose programs are in `folder`, read the same topic in turn; who begins changes with every round. */
export async function tournament(
  folder: string,
  url: string,
  bout: Bout,
  { rounds, jobs, warmUp }: Length,
  progress: (line: string) => void,
): Promise<BoutResult> {
  const { contestants, handler, concurrency, share } = bout
  const topic = await BenchTopic.open(url, Math.round((warmUp + jobs) * share))
  const counted: Map<string, Measurement>[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      const measured = new Map<string, Measurement>()
      const first = round % contestants.length
      for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
        const part = share * (contestant.share ?? 1)
        const task: Task = {
          url,
          queue: topic.name,
          group: topic.newGroup(),
          handler,
          concurrency,
          readAhead: 0,
          warmUp: Math.round(warmUp * part),
          jobs: Math.round(jobs * part),
          isRaw: contestant.isRaw === true,
        }
        const { name, program, isUnbundled } = contestant
        const file = isUnbundled ? join(import.meta.dirname, `${program}.ts`) : join(folder, `${program}.cjs`)
        measured.set(name, await runContestant(name, task, file))
      }
      if (round > 0) counted.push(measured)
      const rates = [...measured].map(([name, figures]) => `${name} ${Math.round(throughput(figures))}/s`)
      progress(`${bout.name}: round ${round}/${rounds}${round === 0 ? ' (warm-up)' : ''}, ${rates.join(', ')}`)
    }
  } finally {
    await topic.remove()
  }
  const standings = contestants.map(({ name }) => standingOf(name, bout.reference, counted))
  return { bout: bout.name, reference: bout.reference, aim: bout.aim, standings }
}

function standingOf(name: string, reference: string, rounds: readonly ReadonlyMap<string, Measurement>[]): Standing {
  const spread = (digits: number, of: (round: ReadonlyMap<string, Measurement>) => number) =>
    rounded(spreadOf(rounds.map(of)), digits)
  const ratio = (figure: (measurement: Measurement) => number) =>
    spread(3, (round) => figure(round.get(name)!) / figure(round.get(reference)!))
  return {
    name,
    ratios: { throughput: ratio(throughput), cpu: ratio(cpu), peakMemory: ratio(memory) },
    jobsPerSecond: spread(0, (round) => throughput(round.get(name)!)),
    cpuMsPer1000: spread(2, (round) => cpu(round.get(name)!)),
    peakMb: spread(1, (round) => memory(round.get(name)!)),
  }
}
