import { memoryBroker } from '../../worker/brokers/memory/index.ts'
import type { WorkerEvent } from '../../worker/contracts.ts'
import { deferrer, type Harness, SETTINGS } from './harness.ts'
import { conformance } from './source-suite.ts'

let rooms = 0

const memory: Harness = {
  features: { durable: false, countsDeliveries: false, ordersByKey: false, separatesInFlight: true },
  async open(t, overrides = {}, { topology } = { topology: true }) {
    const name = `conformance-${rooms++}`
    const inside = memoryBroker(name, { strict: true })
    const defer = deferrer(t)
    defer(() => inside.clear())
    const settings = { ...SETTINGS, brokerUrl: `memory://${name}`, queue: 'jobs', ...overrides }
    const events: WorkerEvent[] = []
    const broker = inside.open(settings, (event) => events.push(event))
    if (topology) await broker.topology().apply()
    return {
      broker,
      settings,
      events,
      publish: async (message) => inside.publish('jobs', message as Parameters<typeof inside.publish>[1]),
      dead: async () => inside.dead('jobs'),
      breakConnection: async () => inside.disconnect(),
      defer,
    }
  },
}

conformance('the memory broker', memory)
