import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { Pause, within } from '../waiting.ts'
import type { Consumer } from './consumer.ts'
import { type Desk, RabbitDelivery } from './delivery.ts'
import type { Line } from './dial.ts'
import { Epoch } from './epoch.ts'
import { RabbitMessage } from './message.ts'

/** After a suspect, this long without a fresh job ends the fresh jobs' turn. */
const IDLE_MS = 100

export interface SuspectsOptions {
  readonly settings: BrokerSettings
  readonly queue: string
  readonly desk: Desk
  readonly consumer: Consumer
  readonly observe: (event: WorkerEvent) => void
  readonly onDelivery: (delivery: RabbitDelivery) => void
  /** Told when the channel ended, and an unsettled suspect with it. */
  readonly onLost: () => void
  /** Dead-letters a suspect whose time is over; resolves when that is done or has become impossible. */
  readonly condemn: (delivery: RabbitDelivery) => Promise<void>
  /** False while no more jobs may be pulled. */
  readonly mayPull: () => boolean
}

/**
 * Watches the suspects queue and runs what is in it alone: a suspect is fetched only when this worker holds no other
 * job, and no other job is fetched until the suspect is settled. If it kills the process, it takes nobody with it.
 * Suspects and fresh jobs take turns.
 */
export class Suspects {
  readonly #options: SuspectsOptions
  readonly #pause = new Pause()
  #line: Line | undefined
  #epoch: Epoch<RabbitDelivery> | undefined
  #running: Promise<void> | undefined
  #current: RabbitDelivery | undefined
  #fresh = 0
  #serving = false
  #stopped = false

  constructor(options: SuspectsOptions) {
    this.#options = options
  }

  /** The suspect that is on loan and not settled. */
  get current(): RabbitDelivery | undefined {
    return this.#current
  }

  /** True while the work queue is left alone for a suspect's sake. */
  get serving(): boolean {
    return this.#serving
  }

  up(line: Line): void {
    this.#line = line
    if (!this.#stopped) this.#running ??= this.#watch()
  }

  down(): void {
    this.#line = undefined
  }

  /** A fresh job came. */
  noteFresh(): void {
    this.#fresh++
  }

  /** Something that the watch may wait for has happened. */
  wake(): void {
    this.#pause.cut()
  }

  /** A suspect was settled on its channel. */
  settled(delivery: RabbitDelivery): void {
    if (delivery !== this.#current) return
    this.#current = undefined
    this.#pause.cut()
  }

  /** Fetches no more. What is on loan can still be settled. */
  stop(): void {
    this.#stopped = true
    this.#pause.cut()
  }

  /** Closes the channel; an unsettled suspect goes back to the broker. Never rejects. */
  async close(): Promise<void> {
    this.stop()
    await this.#epoch?.close(this.#options.settings)
    this.#current = undefined
    await this.#running
  }

  async #watch(): Promise<void> {
    const { suspectsPollMs } = this.#options.settings
    let pauseMs = suspectsPollMs
    while (!this.#stopped) {
      await this.#sleep(pauseMs * (0.5 + Math.random()))
      const served = (await this.#ready()) > 0 && (await this.#serve())
      if (served) await this.#freshTurn()
      pauseMs = served ? 0 : suspectsPollMs
    }
  }

  /** Suspects that wait, as far as that can be seen. */
  async #ready(): Promise<number> {
    if (this.#stopped || this.#line === undefined || !this.#options.mayPull()) return 0
    try {
      const epoch = (this.#epoch ??= await this.#openChannel(this.#line))
      const { messageCount } = await this.#answer(epoch.channel.checkQueue(this.#options.queue))
      return messageCount
    } catch {
      // No queue or no channel: the topology's check and the connection's events tell why.
      return 0
    }
  }

  /** Empties the worker's hands, fetches one suspect and waits until it is settled. True when there was one. */
  async #serve(): Promise<boolean> {
    const { consumer, mayPull } = this.#options
    this.#serving = true
    await consumer.pause()
    try {
      while (consumer.outstanding > 0) {
        await this.#sleep(this.#options.settings.suspectsPollMs)
        if ((await this.#ready()) === 0) return false
      }
      if (this.#stopped || !mayPull()) return false
      const suspect = await this.#fetch()
      if (suspect === undefined) return false
      await this.#run(suspect)
      return true
    } finally {
      this.#serving = false
      if (!this.#stopped) consumer.resume()
    }
  }

  async #run(suspect: RabbitDelivery): Promise<void> {
    const { settings, observe, onDelivery, condemn } = this.#options
    const { message } = suspect
    const { crashes } = message
    this.#current = suspect
    if (crashes >= settings.crashLimit) {
      await condemn(suspect)
    } else {
      observe({ name: 'suspect', action: 'running', message, crashes })
      onDelivery(suspect)
    }
    while (!this.#stopped && this.#current === suspect && suspect.epoch.alive)
      await this.#sleep(settings.suspectsPollMs)
    // Once stopped, an unsettled suspect stays known: closing gives it back.
    if (!this.#stopped) this.#current = undefined
  }

  async #fetch(): Promise<RabbitDelivery | undefined> {
    const epoch = this.#epoch
    if (epoch === undefined || !epoch.alive) return undefined
    const { queue, settings, desk } = this.#options
    try {
      const raw = await this.#answer(epoch.channel.get(queue))
      if (raw === false) return undefined
      const suspect = new RabbitDelivery(new RabbitMessage(raw, settings), epoch, undefined, desk)
      epoch.opened(suspect)
      return suspect
    } catch {
      return undefined
    }
  }

  /** Lets fresh jobs come: as many as the worker takes at a time, or until none comes, but not longer than a poll. */
  async #freshTurn(): Promise<void> {
    const { concurrency, suspectsPollMs } = this.#options.settings
    const end = performance.now() + suspectsPollMs
    const enough = this.#fresh + concurrency
    while (!this.#stopped && this.#fresh < enough && performance.now() < end) {
      const before = this.#fresh
      await this.#sleep(Math.min(IDLE_MS, suspectsPollMs))
      if (this.#fresh === before) return
    }
  }

  async #openChannel(line: Line): Promise<Epoch<RabbitDelivery>> {
    const channel = await this.#answer(line.model.createChannel())
    const epoch: Epoch<RabbitDelivery> = new Epoch<RabbitDelivery>(channel, () => {
      if (this.#epoch === epoch) this.#epoch = undefined
      this.#options.onLost()
    })
    return epoch
  }

  #answer<T>(promise: Promise<T>): Promise<T> {
    return within(promise, this.#options.settings.connectTimeoutMs, 'an answer about the suspects queue')
  }

  #sleep(ms: number): Promise<void> {
    return this.#stopped ? Promise.resolve() : this.#pause.wait(ms)
  }
}
