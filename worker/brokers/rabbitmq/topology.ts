import type { Channel } from 'amqplib'
import type { BrokerSettings, Topology, TopologyFault, TopologyItem } from '../../contracts.ts'
import { messageOf, TidemillError } from '../../errors.ts'
import { ignore, within } from '../waiting.ts'
import { dial, type Line } from './dial.ts'
import { namesOf } from './names.ts'
import { type Part, planOf } from './plan.ts'

/** Declares and checks what a queue needs, on a connection for each call. */
export class RabbitTopology implements Topology {
  readonly #settings: BrokerSettings

  constructor(settings: BrokerSettings) {
    this.#settings = settings
  }

  /** Needs no broker. What only some versions get is said in the purpose. */
  print(): Promise<readonly TopologyItem[]> {
    return Promise.resolve(planOf(this.#settings, namesOf(this.#settings.queue)).map(({ item }) => item))
  }

  async apply(): Promise<readonly TopologyItem[]> {
    return await this.#withLine(async (line) => {
      const plan = planOf(this.#settings, namesOf(this.#settings.queue), line.version)
      const probe = new Probe(line, this.#settings.connectTimeoutMs)
      const conflicts: string[] = []
      for (const part of plan) {
        const refusal = await probe.ask(part.declare)
        if (refusal !== undefined) conflicts.push(conflictOf(part, refusal))
      }
      if (conflicts.length > 0) {
        throw new TidemillError(
          'TOPOLOGY_CONFLICT',
          `the broker refused:\n${conflicts.map((c) => `  - ${c}`).join('\n')}`,
        )
      }
      return plan.map(({ item }) => item)
    })
  }

  async verify(): Promise<readonly TopologyFault[]> {
    return await this.#withLine((line) => verifyOn(line, this.#settings))
  }

  /** Nothing to do: every call has closed its connection. */
  async close(): Promise<void> {}

  async #withLine<T>(use: (line: Line) => Promise<T>): Promise<T> {
    const line = await dial(this.#settings)
    try {
      return await use(line)
    } finally {
      await line.close(this.#settings.closeTimeoutMs)
    }
  }
}

/**
 * What is missing, asked passively, with a worker's rights: what this user may not see is taken to be there. Bindings
 * and arguments can't be asked for in AMQP; a copy that can't be routed and a refused declaration tell of those.
 */
export async function verifyOn(line: Line, settings: BrokerSettings): Promise<TopologyFault[]> {
  const probe = new Probe(line, settings.connectTimeoutMs)
  const faults: TopologyFault[] = []
  for (const { item, check } of planOf(settings, namesOf(settings.queue), line.version)) {
    const refusal = check === undefined ? undefined : await probe.ask(check)
    if (refusal === undefined || refusal.code === 403) continue
    const got = refusal.code === 404 ? 'nothing of that name' : refusal.text
    faults.push({ kind: item.kind, name: item.name, expected: `a ${item.kind}: ${item.purpose}`, got })
  }
  await probe.close()
  return faults
}

interface Refusal {
  readonly code: number
  readonly text: string
}

/** Asks one thing after another; a refusal ends a channel, so that the next question gets a new one. */
class Probe {
  readonly #line: Line
  readonly #timeoutMs: number
  #channel: Channel | undefined

  constructor(line: Line, timeoutMs: number) {
    this.#line = line
    this.#timeoutMs = timeoutMs
  }

  /** The broker's refusal, if it refuses. Rejects when there is no answer. */
  async ask(question: (channel: Channel) => Promise<unknown>): Promise<Refusal | undefined> {
    const channel = (this.#channel ??= await this.#open())
    try {
      await within(question(channel), this.#timeoutMs, 'an answer about the topology')
      return undefined
    } catch (error) {
      const code = (error as { code?: unknown }).code
      if (typeof code !== 'number') throw error
      this.#channel = undefined
      return { code, text: messageOf(error) }
    }
  }

  async close(): Promise<void> {
    await this.#channel?.close().catch(ignore)
  }

  async #open(): Promise<Channel> {
    const channel = await within(this.#line.model.createChannel(), this.#timeoutMs, 'a channel')
    channel.on('error', ignore)
    return channel
  }
}

function conflictOf({ item }: Part, { code, text }: Refusal): string {
  const name = `${item.kind} ${item.name}`
  if (code === 403) return `${name}: expected the right to configure it, got ${text}`
  const unequal = /inequivalent arg '([^']+)'.*received (.*) but current is (.*?)"?$/.exec(text)
  if (unequal === null) return `${name}: expected ${JSON.stringify(item.settings)}, got ${text}`
  return `${name}: expected ${unequal[1]} to be ${argumentOf(unequal[2]!)}, got ${argumentOf(unequal[3]!)}`
}

/** An argument's value, in the broker's words: `the value '7' of type 'signedint'`. */
function argumentOf(text: string): string {
  return /^the value (.*) of type '[a-z]+'$/.exec(text)?.[1] ?? text
}
