import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runContestant } from './contestant.ts'
import { BOUTS } from './kafka/bouts.ts'
import { BenchTopic } from './kafka/topic.ts'
import { BenchQueue } from './queue.ts'
import { SCENARIOS, type Task } from './scenarios.ts'

/** Jobs in a queue, for as long as a profile of their consumer is taken. */
interface Filled {
  readonly where: Pick<Task, 'queue' | 'group'>
  remove(): Promise<void>
}

/** A load that tidemill's consumer is profiled under. */
export interface Profiled {
  readonly name: string
  readonly load: Pick<Task, 'handler' | 'concurrency' | 'readAhead' | 'warmUp' | 'jobs'>
  fill(url: string, jobs: number): Promise<Filled>
}

/** Jobs of one profile. */
export type ProfileLength = Pick<Task, 'warmUp' | 'jobs'>

export function rabbitmqLoads(length: ProfileLength): Profiled[] {
  return SCENARIOS.map(({ name, queueType, handler, concurrency, readAhead }) => ({
    name,
    load: { handler, concurrency, readAhead, ...length },
    async fill(url, jobs) {
      const queue = await BenchQueue.open(url, queueType)
      await queue.fill(jobs)
      return { where: { queue: queue.name }, remove: () => queue.remove() }
    },
  }))
}

export function kafkaLoads({ warmUp, jobs }: ProfileLength): Profiled[] {
  return BOUTS.map(({ name, handler, concurrency, share }) => ({
    name,
    load: {
      handler,
      concurrency,
      readAhead: 0,
      warmUp: Math.round(warmUp * share),
      jobs: Math.round(jobs * share),
    },
    async fill(url, jobs) {
      const topic = await BenchTopic.open(url, jobs)
      return { where: { queue: topic.name, group: topic.newGroup() }, remove: () => topic.remove() }
    },
  }))
}

/** Runs the load and writes a CPU profile of what comes after the warm-up into `folder`; returns its file. */
export async function writeProfile(url: string, { name, load, fill }: Profiled, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${name.replace(/[^a-z0-9]+/g, '-')}-${Date.now()}.cpuprofile`)
  const { where, remove } = await fill(url, load.warmUp + load.jobs)
  try {
    // From source, so that the profile has the source's lines.
    await runContestant('tidemill', { url, ...where, ...load, profile: file }, join(import.meta.dirname, 'tidemill.ts'))
  } finally {
    await remove()
  }
  return file
}
