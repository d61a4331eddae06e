import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { WriteStream } from 'node:tty'
import { startBroker } from '../../deploy/local/broker.ts'
import type { LocalBroker } from '../../deploy/local/contracts.ts'
import { type GeneratedJob, generators } from '../../worker/handlers/generator.ts'
import { Crew, ownFile, workCommand, workerEnvironment } from './crew.ts'
import { demoImages, demoOrders } from './demo-jobs.ts'
import { DemoLane } from './demo-lane.ts'
import { type DemoReport, recount } from './demo-report.ts'
import { DemoView, type Frame } from './demo-view.ts'
import { DemoWorker } from './demo-workers.ts'
import { InnerWorker } from './inner-worker.ts'
import { LedgerWriter } from './ledger.ts'
import { counted } from './live-view.ts'
import { nameOf } from './local-name.ts'
import { LedgerTail } from './tail.ts'

export interface DemoOptions {
  /** `rabbitmq`, `kafka`, `memory` or a URL. Default: as `startBroker` has it. */
  readonly broker: string | undefined
  readonly orders: number
  readonly images: number
  /** Whether a broker may be installed where it is missing. */
  readonly install: boolean
  /** Where the view goes. */
  readonly out: WriteStream
  /** Ends the demo early: everything is taken down and the call rejects with the reason. */
  readonly signal: AbortSignal
}

const POLL_MS = 25
const STALLED_MS = 60_000
const SUCCESSOR = 'orders-3'
/** An order without lines: no try can make it valid. */
const POISON: GeneratedJob<unknown> = {
  id: 'order-poison',
  payload: { orderId: 'order-poison', currency: 'EUR', lines: [] },
}

/** Sends real jobs through a broker and worker processes, ends one of them in the middle, and counts what became of each job. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const log = (line: string) => options.out.write(`${line}\n`)
  const ledger = await mkdtemp(join(tmpdir(), 'tidemill-demo-ledger-'))
  const root = await mkdtemp(join(tmpdir(), 'tidemill-demo-'))
  const broker = await startBroker({ broker: options.broker, install: options.install, log }).catch(async (error) => {
    await rm(root, { recursive: true })
    await rm(ledger, { recursive: true })
    throw error
  })
  const demo = new Demo(options, broker, { root, ledger })
  try {
    return await demo.run()
  } finally {
    await demo.close()
    await broker.stop()
    await rm(root, { recursive: true, force: true })
  }
}

/** Where a demo keeps its files. */
interface DemoFolders {
  readonly root: string
  readonly ledger: string
}

class Demo {
  readonly #options: DemoOptions
  readonly #broker: LocalBroker
  readonly #folders: DemoFolders
  readonly #tag = randomBytes(3).toString('hex')
  readonly #url: string
  readonly #tail: LedgerTail
  readonly #ledger: LedgerWriter
  readonly #crew: Crew
  readonly #workers: DemoWorker[] = []
  #lanes: DemoLane[] = []
  readonly #leaving = new Set<DemoWorker>()
  readonly #failures: unknown[] = []
  #enqueued: Promise<void> = Promise.resolve()
  #isPoisonDead = false
  #view: DemoView | undefined

  constructor(options: DemoOptions, broker: LocalBroker, folders: DemoFolders) {
    this.#options = options
    this.#broker = broker
    this.#folders = folders
    this.#url = broker.kind === 'memory' ? `memory://demo-${this.#tag}` : broker.url
    this.#tail = new LedgerTail(folders.ledger)
    this.#ledger = new LedgerWriter(folders.ledger)
    this.#crew = new Crew(folders.root)
  }

  async run(): Promise<DemoReport> {
    const { orders, images, out } = this.#options
    this.#lanes = [await this.#open('orders'), await this.#open('images')]
    if (this.#isMemory) {
      out.write('The memory broker lives in this process: the workers do too, and the SIGTERM is a call of drain().\n')
    }
    const view = new DemoView(out, () => this.#take())
    this.#view = view
    for (const lane of this.#lanes) lane.watch()
    const jobs = `${counted(orders, 'order')}, ${counted(images, 'image')} and 1 poison order`
    view.say(`enqueueing ${jobs}, while two workers for orders and one for images start`)
    for (const name of ['orders-1', 'orders-2', 'images-1']) this.#start(name)
    this.#enqueued = this.#enqueue()
    this.#enqueued.catch((error) => this.#failures.push(error))
    const sigterm = await this.#replace(this.#workers.slice(0, 2))
    await this.#enqueued
    await this.#until(() => this.#isAllDone)
    view.say('all jobs are done: the other workers drain and end')
    const exits = await this.#endAll()
    const report = await this.#recount(sigterm, exits)
    view.say('counted again from the ledger files')
    return report
  }

  /** Takes down whatever still stands. */
  async close(): Promise<void> {
    this.#view?.end()
    for (const worker of this.#workers) worker.kill()
    await this.#enqueued.catch(() => {})
    await Promise.all(this.#workers.map(({ ended }) => ended))
    await this.#crew.dismiss()
    await this.#tail.close()
    this.#ledger.close()
    for (const lane of this.#lanes) {
      await lane.close()
      await lane.remove()
    }
  }

  get #isMemory(): boolean {
    return this.#broker.kind === 'memory'
  }

  get #isAllDone(): boolean {
    const { orders, images } = this.#options
    const dead = this.#lanes.reduce((sum, { reading }) => sum + (reading?.dead ?? 0), 0)
    return this.#tail.done >= orders + images && dead >= 1
  }

  #open(label: 'orders' | 'images'): Promise<DemoLane> {
    return DemoLane.open(label, `demo-${this.#tag}-${label}`, this.#url)
  }

  #start(name: string): void {
    const isOrders = name.startsWith('orders')
    const { queue } = this.#lanes[isOrders ? 0 : 1]!
    const { root, ledger } = this.#folders
    const tail = this.#tail
    const worker = this.#isMemory
      ? new InnerWorker({
          name,
          pid: this.#workers.length + 1,
          definition: (isOrders ? demoOrders : demoImages)(root),
          broker: this.#url,
          queue,
          ledger,
          tail,
        })
      : this.#crew.hire({
          name,
          command: workCommand(ownFile(isOrders ? 'demo-orders' : 'demo-images')),
          env: { ...foreign(process.env), ...workerEnvironment(this.#url, queue, ledger), EXAMPLES_ROOT: root },
          tail,
        })
    this.#workers.push(new DemoWorker(worker, tail))
  }

  async #enqueue(): Promise<void> {
    const { orders, images, signal } = this.#options
    const { root } = this.#folders
    const [orderLane, imageLane] = this.#lanes as [DemoLane, DemoLane]
    // Without its schema: a producer that checks would not let the poison through.
    const unchecked = { type: generators.orders.job.type, handler() {} }
    await Promise.all([
      orderLane
        .enqueue(unchecked, [POISON], this.#ledger, signal)
        .then(() =>
          orderLane.enqueue(
            generators.orders.job,
            generators.orders.generate({ count: orders, root }),
            this.#ledger,
            signal,
          ),
        ),
      imageLane.enqueue(
        generators.images.job,
        generators.images.generate({ count: images, root }),
        this.#ledger,
        signal,
      ),
    ])
  }

  /** Ends the first that has jobs in hand with SIGTERM, about a quarter into the orders, and starts its successor. */
  async #replace(candidates: readonly DemoWorker[]): Promise<DemoReport['sigterm']> {
    const quarter = Math.floor(this.#options.orders / 4)
    let worker = candidates[0]!
    let inFlight: number | undefined
    await this.#until(async () => {
      const busy = candidates.find(({ view }) => view.inFlight > 0)
      if (busy !== undefined && this.#tail.doneOf('order-') >= quarter) {
        worker = busy
        inFlight = await busy.drain(1)
      }
      return inFlight !== undefined || this.#isAllDone
    })
    // Too few orders to catch it at work.
    inFlight ??= (await worker.drain(0)) ?? 0
    this.#leaving.add(worker)
    const { name } = worker.view
    const rest = `finishes the ${counted(inFlight, 'job')} that it has`
    this.#view!.say(`SIGTERM to ${name}: it takes no more and ${rest}; ${SUCCESSOR} takes its place`)
    this.#start(SUCCESSOR)
    const exitCode = await worker.ended
    this.#view!.say(`${name} ended with exit code ${exitCode}; the others go on`)
    return { inFlight, exitCode }
  }

  async #endAll(): Promise<number[]> {
    for (const worker of this.#workers) await worker.drain(0)
    const exits = await Promise.all(this.#workers.map(({ ended }) => ended))
    for (const [index, code] of exits.entries()) {
      if (code === 0) continue
      const { view, output } = this.#workers[index]!
      this.#options.out.write(`${view.name} ended with exit code ${code}:\n${output}\n`)
    }
    return exits
  }

  async #recount(sigterm: DemoReport['sigterm'], exits: readonly number[]): Promise<DemoReport> {
    const readings = await Promise.all(this.#lanes.map((lane) => lane.quiet()))
    return recount({
      broker: this.#broker.protocol,
      ledger: this.#folders.ledger,
      deadIds: (await Promise.all(this.#lanes.map((lane) => lane.deadIds()))).flat(),
      plantedIds: [POISON.id],
      left: readings.reduce((sum, { ready, suspects, waiting }) => sum + ready + suspects + waiting, 0),
      exits,
      sigterm,
    })
  }

  /** Waits for a condition. Rejects when nothing was done for a minute, a worker failed or the demo is to end. */
  async #until(holds: () => boolean | Promise<boolean>): Promise<void> {
    let done = -1
    let progressAt = performance.now()
    for (;;) {
      this.#options.signal.throwIfAborted()
      await this.#tail.read()
      if (this.#failures.length > 0) throw this.#failures[0]
      if (await holds()) return
      this.#tellOfPoison()
      const failed = this.#workers.find((worker) => worker.view.state === 'ended' && !this.#leaving.has(worker))
      if (failed !== undefined) throw new Error(`${failed.view.name} ended by itself:\n${failed.output}`)
      if (this.#tail.done > done) {
        done = this.#tail.done
        progressAt = performance.now()
      }
      if (performance.now() - progressAt > STALLED_MS) {
        const said = this.#workers.map((worker) => `${worker.view.name}:\n${worker.output}`).join('\n')
        throw new Error(`nothing was done for a minute; the workers said:\n${said}`)
      }
      await pause(POLL_MS)
    }
  }

  #tellOfPoison(): void {
    if (this.#isPoisonDead || (this.#lanes[0]!.reading?.dead ?? 0) === 0) return
    this.#isPoisonDead = true
    this.#view!.say('the poison order fits no schema: it was dead-lettered at once, and nothing else with it')
  }

  #take(): Omit<Frame, 'rates' | 'elapsedMs' | 'now'> {
    const { orders, images } = this.#options
    const totals = [orders, images]
    return {
      title: `tidemill demo on ${nameOf(this.#broker)}`,
      lanes: this.#lanes.map(({ label, reading }, index) => {
        const prefix = label === 'orders' ? 'order-' : 'image-'
        const inFlight = this.#tail.inHandOfAny(prefix)
        return { label, total: totals[index]!, done: this.#tail.doneOf(prefix), inFlight, backlog: reading }
      }),
      workers: this.#workers.map(({ view }) => view),
    }
  }
}

/** An environment without what it says of other workers. */
function foreign(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TIDEMILL_')))
}
