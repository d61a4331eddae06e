/** What a process that is started for a moment is told, as JSON in its first argument. */
export interface StartTask {
  readonly url: string
  readonly queue: string
  /** Say the memory after so many ms without a job, instead of the time of the first acknowledgement. */
  readonly idleMs?: number
}

/** What such a process says, as one line of JSON on its stdout. */
export interface StartReport {
  /** When the first acknowledgement was written, ms since the epoch, with a fraction. */
  readonly ackedAt?: number
  readonly idleRssMb?: number
}

const DEADLINE_MS = 30_000

/** The task that this process was given. The process ends after a deadline, should whoever wanted to know be gone. */
export function readStartTask(): StartTask {
  setTimeout(() => process.exit(1), DEADLINE_MS).unref()
  return JSON.parse(process.argv[2] ?? '')
}

/** Says when it is now. */
export function tellTime(): void {
  tell({ ackedAt: performance.timeOrigin + performance.now() })
}

/** Waits without a job, then says how much memory the process holds. */
export async function tellIdleMemory(idleMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  tell({ idleRssMb: process.memoryUsage.rss() / 1024 / 1024 })
}

function tell(report: StartReport): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}
