import { join } from 'node:path'
import { type Contestant, runContestant } from './contestant.ts'
import type { Measurement } from './meter.ts'
import { BenchQueue } from './queue.ts'
import type { Scenario, Task } from './scenarios.ts'
import { rounded, type Spread, spreadOf } from './statistics.ts'

/** How long a duel is. */
export interface Length {
  /** Rounds that count; one more comes first and is thrown away. */
  readonly rounds: number
  readonly jobs: number
  readonly warmUp: number
}

/** Absolute figures of one contestant over the rounds. */
export interface Figures {
  readonly jobsPerSecond: Spread
  readonly cpuMsPer1000: Spread
  readonly peakMb: Spread
}

/** tidemill against the loop: ratios are tidemill's figure divided by the loop's of the same round. */
export interface DuelResult {
  readonly scenario: string
  readonly aim: Scenario['aim']
  readonly ratios: { readonly throughput: Spread; readonly cpu: Spread; readonly peakMemory: Spread }
  readonly tidemill: Figures
  readonly loop: Figures
  readonly rounds: readonly Round[]
}

type Round = Readonly<Record<Contestant, Measurement>>

const throughput = ({ jobs, wallMs }: Measurement) => (jobs / wallMs) * 1000
const cpu = ({ jobs, cpuMs }: Measurement) => (cpuMs / jobs) * 1000
const memory = ({ peakMb }: Measurement) => peakMb

/** Lets both contestants, whose programs are in `folder`, empty the same queue in turn; who begins changes with every round. */
export async function duel(
  folder: string,
  url: string,
  scenario: Scenario,
  { rounds, jobs, warmUp }: Length,
  progress: (line: string) => void,
): Promise<DuelResult> {
  const { handler, concurrency, readAhead } = scenario
  const queue = await BenchQueue.open(url, scenario.queueType)
  const task: Task = { url, queue: queue.name, handler, concurrency, readAhead, jobs, warmUp }
  const counted: Round[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      const order: Contestant[] = round % 2 === 0 ? ['tidemill', 'loop'] : ['loop', 'tidemill']
      const measured: Partial<Record<Contestant, Measurement>> = {}
      for (const contestant of order) {
        await queue.fill(warmUp + jobs)
        measured[contestant] = await runContestant(contestant, task, join(folder, `${contestant}.cjs`))
        await queue.expectEmpty()
      }
      const both = measured as Round
      if (round > 0) counted.push(both)
      progress(`${scenario.name}: round ${round}/${rounds}${round === 0 ? ' (warm-up)' : ''}, ${line(both)}`)
    }
  } finally {
    await queue.remove()
  }
  return resultOf(scenario, counted)
}

function line({ tidemill, loop }: Round): string {
  const rate = (measurement: Measurement) => `${Math.round(throughput(measurement))}/s`
  return `tidemill ${rate(tidemill)}, loop ${rate(loop)}, CPU ratio ${(cpu(tidemill) / cpu(loop)).toFixed(2)}`
}

function resultOf({ name, aim }: Scenario, rounds: readonly Round[]): DuelResult {
  const ratio = (of: (measurement: Measurement) => number) =>
    rounded(spreadOf(rounds.map(({ tidemill, loop }) => of(tidemill) / of(loop))), 3)
  const figures = (contestant: Contestant): Figures => {
    const spread = (of: (measurement: Measurement) => number, digits: number) =>
      rounded(spreadOf(rounds.map((round) => of(round[contestant]))), digits)
    return { jobsPerSecond: spread(throughput, 0), cpuMsPer1000: spread(cpu, 2), peakMb: spread(memory, 1) }
  }
  return {
    scenario: name,
    aim,
    ratios: { throughput: ratio(throughput), cpu: ratio(cpu), peakMemory: ratio(memory) },
    tidemill: figures('tidemill'),
    loop: figures('loop'),
    rounds,
  }
}
