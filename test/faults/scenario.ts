import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createProducer } from '../../worker/producer.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Exit, WorkerProcess } from '../helpers/worker-process.ts'
import { type Ledger, LedgerWriter, readLedger } from '../load/ledger.ts'
import { judge, type Verdict } from '../load/oracle.ts'
import type { DeadLetter, Stage } from './stage.ts'
import { Trickle, type TrickleOptions } from './trickle.ts'

const WORKER_FILE = join(import.meta.dirname, 'fault-worker.ts')
const QUIESCE_TIMEOUT_MS = 30_000
const SILENCE_MS = 700
/** Longer than any wait between two tries: what did not come by then will not come. */
const DEAD_SILENCE_MS = 8_000
const SEED = 20_261_124

export interface ScenarioOptions {
  /** The URL that workers use. Default: the broker's. */
  readonly workerUrl?: string
  /** More environment for the workers. */
  readonly env?: Readonly<Record<string, string>>
  readonly trickle?: Partial<TrickleOptions>
}

/** What a run came to. */
export interface Outcome {
  readonly verdict: Verdict
  readonly ledger: Ledger
  readonly dead: readonly DeadLetter[]
}

/** One fault test on its stage: a ledger, a producer with its trickle, and worker processes. */
export class Scenario<S extends Stage> {
  readonly stage: S
  readonly trickle: Trickle
  readonly folder: string
  readonly workers = new Set<WorkerProcess>()
  readonly #t: TestContext
  readonly #options: ScenarioOptions

  static open<S extends Stage>(t: TestContext, stage: S, options: ScenarioOptions = {}): Scenario<S> {
    const folder = mkdtempSync(join(tmpdir(), 'faults-'))
    const ledger = new LedgerWriter(folder)
    const producer = createProducer({ broker: stage.url, queue: stage.queue })
    const trickle = new Trickle({ producer, ledger, seed: SEED, ...options.trickle })
    t.after(async () => {
      const stopped = trickle.stop()
      await producer.close()
      await stopped
      ledger.close()
      rmSync(folder, { recursive: true })
    })
    return new Scenario(t, options, stage, folder, trickle)
  }

  private constructor(t: TestContext, options: ScenarioOptions, stage: S, folder: string, trickle: Trickle) {
    this.#t = t
    this.#options = options
    this.stage = stage
    this.folder = folder
    this.trickle = trickle
  }

  /** Starts one more worker. */
  async spawnWorker(env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const { workerUrl = this.stage.url } = this.#options
    const worker = await WorkerProcess.spawn(this.#t, WORKER_FILE, {
      env: {
        FAULT_QUEUE: this.stage.queue,
        FAULT_FOLDER: this.folder,
        TIDEMILL_BROKER_URL: workerUrl,
        // Not what suits the machine that the test runs on.
        TIDEMILL_CONCURRENCY: '10',
        ...this.#options.env,
        ...env,
      },
    })
    this.workers.add(worker)
    void worker.exited.then(() => this.workers.delete(worker))
    return worker
  }

  /** Starts one more worker, and waits until it is ready. */
  async addWorker(env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const worker = await this.spawnWorker(env)
    await worker.ready()
    return worker
  }

  async addWorkers(count: number): Promise<WorkerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.addWorker()))
  }

  ledger(): Promise<Ledger> {
    return readLedger(this.folder, { isOpen: true })
  }

  /** Jobs that were begun and are not done, of one process or of all. */
  async inFlight(pid?: number): Promise<Set<string>> {
    const { started, done } = await this.ledger()
    const of = (entries: Ledger['done']) =>
      entries.filter((entry) => pid === undefined || entry.pid === pid).map(({ id }) => id)
    return new Set(of(started)).difference(new Set(of(done)))
  }

  /** A fault in an idle moment proves nothing: waits until this many jobs are in flight, and returns them. */
  async untilBusy(atLeast: number, pid?: number): Promise<Set<string>> {
    return waitFor(`${atLeast} jobs are in flight`, async () => {
      const busy = await this.inFlight(pid)
      return busy.size >= atLeast ? busy : undefined
    })
  }

  /** Waits until this many more jobs are done than now: the workers work. */
  async untilDone(more: number, timeoutMs = 20_000): Promise<void> {
    const before = (await this.ledger()).done.length
    await waitFor(`${more} more jobs are done`, async () => (await this.ledger()).done.length >= before + more, {
      timeoutMs,
      everyMs: 50,
    })
  }

  /** Waits until each of these jobs is done. */
  async untilDoneAre(ids: readonly string[], timeoutMs = 20_000): Promise<void> {
    const areDone = async () => new Set(ids).isSubsetOf(new Set((await this.ledger()).done.map(({ id }) => id)))
    await waitFor(`${ids.length} jobs are done`, areDone, { timeoutMs, everyMs: 50 })
  }

  /**
   * Ends the run: no more jobs, all of them settled, the workers drained with exit code 0, and the broker empty but for dead letters.
   * @param planted ids that belong into the dead-letter queue
   */
  async finish(planted: readonly string[] = []): Promise<Outcome> {
    await this.trickle.stop()
    await this.#quiesce()
    const exits = await Promise.all([...this.workers].map((worker) => stop(worker)))
    for (const { exit, output } of exits) {
      assert.deepEqual(exit, { code: 0, signal: null }, output.slice(-4_000))
      assert.doesNotMatch(output, /nobody (waited for it|could catch it)/)
    }
    const [ledger, dead] = [await readLedger(this.folder), await this.stage.takeDead()]
    const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id)
    const verdict = judge({
      confirmed: this.trickle.confirmed,
      unconfirmed: this.trickle.unconfirmed,
      started: ids(ledger.started),
      done: ids(ledger.done),
      dead: ids(dead),
      planted,
    })
    assert.deepEqual(verdict.lost, [], `${verdict.lost.length} of ${verdict.enqueued} jobs were lost`)
    assert.deepEqual(verdict.unexpected, [], 'jobs came that nobody sent')
    const breaches = await this.stage.breaches(ledger)
    assert.equal(breaches.length, 0, `the books of the broker are not in order:\n${breaches.join('\n')}`)
    assert.deepEqual(await this.stage.left(), [], 'settled jobs are still on the broker')
    const { enqueued, done, duplicated, repeated, deadIds } = verdict
    this.#t.diagnostic(
      `enqueued ${enqueued}, done ${done}, dead ${deadIds.length}, lost 0, duplicated ${duplicated.length}, begun again ${repeated.length}`,
    )
    return { verdict, ledger, dead }
  }

  /** Until every confirmed job is done or dead and nothing moves any more. Returns all the same when that does not come: the oracle tells what is missing. */
  async #quiesce(): Promise<void> {
    let seen = -1
    let since = performance.now()
    const isQuiet = async () => {
      const { started, done } = await this.ledger()
      if (started.length + done.length !== seen) {
        seen = started.length + done.length
        since = performance.now()
      }
      const settled = new Set(done.map(({ id }) => id)).size + (await this.stage.countDead())
      const complete = settled >= this.trickle.confirmed.length
      const silentMs = performance.now() - since
      return silentMs > (complete ? SILENCE_MS : DEAD_SILENCE_MS) && (await this.stage.left()).length === 0
    }
    await waitFor('the run is over', isQuiet, { timeoutMs: QUIESCE_TIMEOUT_MS, everyMs: 100 }).catch((error) =>
      this.#t.diagnostic(String(error)),
    )
  }
}

/** Ends a worker as Kubernetes does. */
export async function stop(worker: WorkerProcess): Promise<{ exit: Exit; output: string }> {
  worker.signal('SIGTERM')
  return { exit: await worker.exit(), output: worker.output }
}
