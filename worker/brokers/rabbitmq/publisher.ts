import type { ConfirmChannel } from 'amqplib'
import type { BrokerSettings, WorkerEvent } from '../../contracts.ts'
import { TidemillError } from '../../errors.ts'
import { Fifo } from '../fifo.ts'
import { fullJitter, ignore, settledWithin, within } from '../waiting.ts'
import { Connection } from './connection.ts'
import type { Copy } from './copy.ts'
import type { Line } from './dial.ts'
import { failureOf, markReturned, notSent, type Returnable, undecided } from './publish-errors.ts'

/** What may be unconfirmed at a time; the rest waits here. It bounds what a lost connection leaves in doubt. */
const WINDOW = 2_000
const REOPEN_BASE_MS = 50
const REOPEN_CAP_MS = 5_000

/** A message on its way: waiting for the channel, or written and waiting for its confirm. */
interface Pending extends Returnable {
  resolve(): void
  reject(error: TidemillError): void
  /** When it was asked for, then when it was written. */
  since: number
}

export interface PublisherOptions {
  readonly settings: BrokerSettings
  readonly observe: (event: WorkerEvent) => void
  /** How long a message waits for a connection or the end of an alarm before it is given back. */
  readonly patienceMs: number
  /**
   * Waits for as long as an alarm lasts for the confirm of what is written already. It is stored when the alarm ends;
   * given up and sent again, it would be stored twice.
   */
  readonly outwaitsAlarms?: boolean
  /** Told when messages can be written again. */
  readonly onWritable?: () => void
}

/** Publishes with confirm and mandatory on a connection of its own: on a shared one, an alarm would stop the acks too. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #connection: Connection
  readonly #waiting = new Fifo<Pending>()
  readonly #unconfirmed = new Set<Pending>()
  #channel: ConfirmChannel | undefined
  #opening = false
  #failures = 0
  #unwritableSince = performance.now()
  #reopen: NodeJS.Timeout | undefined
  #sweep: NodeJS.Timeout | undefined
  #closed = false
  #idle: (() => void) | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#connection = new Connection('publish', options.settings, options.observe, {
      up: (line) => void this.#openChannel(line),
      down: ignore,
      blocked: (blocked) => this.#onBlocked(blocked),
    })
  }

  get writable(): boolean {
    return this.#channel !== undefined && !this.#connection.blocked
  }

  /** Connects ahead of the first message. Idempotent. */
  open(): void {
    if (!this.#closed) this.#connection.open()
  }

  /** Resolves when the broker has confirmed and routed the message. Rejects with a TidemillError, as `Sink.send` does. */
  publish(copy: Copy): Promise<void> {
    if (this.#closed) return Promise.reject(new TidemillError('CLOSED', 'the connection for publishing is closed'))
    this.open()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ copy, resolve, reject, since: performance.now(), returned: undefined })
      this.#pump()
      this.#watch()
    })
  }

  /** Waits for what is unconfirmed, at most `timeoutMs`, and disconnects. Idempotent, never rejects. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#reopen)
    if (this.#unconfirmed.size + this.#waiting.size > 0 && this.writable) {
      await settledWithin(new Promise<void>((resolve) => (this.#idle = resolve)), timeoutMs)
    }
    await this.#connection.close(timeoutMs)
    while (this.#waiting.size > 0) {
      this.#waiting.shift()!.reject(new TidemillError('CLOSED', 'closed before the message was sent'))
    }
    this.#failAll(undecided('the connection was closed before the broker confirmed'))
    clearTimeout(this.#sweep)
  }

  async #openChannel(line: Line): Promise<void> {
    if (this.#opening || this.#closed || this.#channel !== undefined) return
    this.#opening = true
    try {
      const { connectTimeoutMs } = this.#options.settings
      const channel = await within(line.model.createConfirmChannel(), connectTimeoutMs, 'a channel for publishing')
      let reason: unknown
      channel.on('error', (error) => {
        reason = error
      })
      channel.on('return', (message) => markReturned(this.#unconfirmed, message))
      channel.on('close', () => this.#onClose(channel, reason))
      this.#channel = channel
      this.#pump()
      this.#options.onWritable?.()
    } catch (error) {
      // A connection on which no channel can be opened may never tell that it has ended.
      line.destroy(error)
    } finally {
      this.#opening = false
    }
  }

  #onClose(channel: ConfirmChannel, reason: unknown): void {
    if (this.#channel !== channel) return
    this.#channel = undefined
    this.#unwritableSince = performance.now()
    for (const pending of this.#take()) pending.reject(failureOf(reason ?? this.#connection.lastError, pending.copy))
    if (this.#closed) return
    clearTimeout(this.#reopen)
    const delayMs = fullJitter(this.#failures++, REOPEN_BASE_MS, REOPEN_CAP_MS)
    this.#reopen = setTimeout(() => {
      if (this.#connection.line !== undefined) void this.#openChannel(this.#connection.line)
    }, delayMs)
  }

  #onBlocked(blocked: boolean): void {
    const now = performance.now()
    this.#unwritableSince = now
    if (blocked || !this.writable) return
    if (this.#options.outwaitsAlarms) for (const pending of this.#unconfirmed) pending.since = now
    this.#pump()
    this.#options.onWritable?.()
  }

  #pump(): void {
    if (!this.writable) return
    while (this.#waiting.size > 0 && this.#unconfirmed.size < WINDOW && this.#channel !== undefined) {
      this.#write(this.#channel, this.#waiting.shift()!)
    }
  }

  #write(channel: ConfirmChannel, pending: Pending): void {
    const { exchange, routingKey, body, options } = pending.copy
    pending.since = performance.now()
    this.#unconfirmed.add(pending)
    try {
      channel.publish(exchange, routingKey, body, options, (error) => this.#onConfirm(pending, error))
    } catch (error) {
      this.#unconfirmed.delete(pending)
      pending.reject(new TidemillError('REFUSED', `the message can not be written: ${String(error)}`, { cause: error }))
    }
  }

  #onConfirm(pending: Pending, error: unknown): void {
    // On a channel that closed, `#onClose` knows more than this callback.
    if (error && String(error).includes('channel closed')) return
    if (!this.#unconfirmed.delete(pending)) return
    if (pending.returned !== undefined) pending.reject(pending.returned)
    else if (error)
      pending.reject(new TidemillError('REFUSED', 'the broker refused the message (nack)', { cause: error }))
    else {
      this.#failures = 0
      pending.resolve()
    }
    if (this.#waiting.size > 0) this.#pump()
    else if (this.#unconfirmed.size === 0) this.#idle?.()
  }

  #watch(): void {
    if (this.#sweep !== undefined) return
    const { confirmTimeoutMs } = this.#options.settings
    const everyMs = Math.max(10, Math.min(500, Math.min(confirmTimeoutMs, this.#options.patienceMs) / 10))
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined
      this.#expire(performance.now())
      if (this.#waiting.size + this.#unconfirmed.size > 0) this.#watch()
    }, everyMs)
  }

  /** Both are in order of time, so only their fronts are looked at. */
  #expire(now: number): void {
    const { patienceMs, settings } = this.#options
    const { blocked, lastError } = this.#connection
    while (this.#waiting.size > 0 && !this.writable) {
      if (Math.max(this.#waiting.front!.since, this.#unwritableSince) + patienceMs > now) break
      this.#waiting.shift()!.reject(notSent(blocked, patienceMs, lastError))
    }
    if (blocked && this.#options.outwaitsAlarms) return
    let stale = false
    for (const pending of this.#unconfirmed) {
      if (pending.since + settings.confirmTimeoutMs > now) break
      this.#unconfirmed.delete(pending)
      pending.reject(pending.returned ?? undecided(settings.confirmTimeoutMs, blocked))
      stale = true
    }
    // The next try gets a fresh channel: this one owes an answer. A blocked connection owes it to everyone.
    if (stale && !blocked) this.#replaceChannel()
  }

  #replaceChannel(): void {
    const channel = this.#channel
    if (channel === undefined) return
    this.#onClose(channel, undefined)
    void settledWithin(channel.close(), this.#options.settings.closeTimeoutMs)
  }

  #take(): Pending[] {
    const all = [...this.#unconfirmed]
    this.#unconfirmed.clear()
    this.#idle?.()
    return all
  }

  #failAll(error: TidemillError): void {
    for (const pending of this.#take()) pending.reject(error)
  }
}
