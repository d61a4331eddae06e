import { setTimeout as pause } from 'node:timers/promises'
import { type Context, defineJob, defineWorker, type InlineJob, type WorkerDefinition } from '../../worker/define.ts'
import { RetryLater } from '../../worker/errors.ts'
import { type ImageResources, imageTranscode, openImages } from '../../worker/handlers/images.ts'
import { type OrderResources, openOrders, orderProcess } from '../../worker/handlers/orders.ts'
import { LedgerWriter } from './ledger.ts'

/** Where a demo's workers find what they work on, and where they write down what they did. */
export interface DemoFolders {
  readonly root: string
  readonly ledger: string
}

interface Recorded {
  readonly ledger: LedgerWriter
}

/** Every hundredth order is put off once, so that the retry ladder is seen at work. */
export function isPutOff(id: string): boolean {
  return /^order-\d+-\d*50$/.test(id)
}

/** The order worker of the demo. */
export function demoOrders({ root, ledger }: DemoFolders): WorkerDefinition<OrderResources & Recorded> {
  const job = recorded<typeof orderProcess, OrderResources>(orderProcess, async (id, { signal }) => {
    // Stands for what a real order waits for: a payment, a stock of goods.
    await pause(20 + (hashOf(id) % 80), undefined, { signal })
  })
  return defineWorker({
    queue: 'orders',
    concurrency: 8,
    jobs: [
      defineJob({
        ...job,
        async handler(order, context: Context<OrderResources & Recorded>) {
          if (order.attempt === 1 && isPutOff(order.id)) throw new RetryLater(1_000, 'the price list is being replaced')
          await job.handler(order, context)
        },
      }),
    ],
    setup: async () => ({ ...(await openOrders(root)), ledger: new LedgerWriter(ledger) }),
    teardown: (resources) => resources.ledger.close(),
  })
}

/** The image worker of the demo. */
export function demoImages({ root, ledger }: DemoFolders): WorkerDefinition<ImageResources & Recorded> {
  return defineWorker({
    queue: 'images',
    concurrency: 4,
    jobs: [recorded<typeof imageTranscode, ImageResources>(imageTranscode, async () => {})],
    setup: async () => ({ ...(await openImages(root)), ledger: new LedgerWriter(ledger) }),
    teardown: (resources) => resources.ledger.close(),
  })
}

/** The same job, which writes `started` before and `done` after its work: both before it can be acknowledged. */
function recorded<J extends InlineJob<any, any, any>, R>(
  job: J,
  more: (id: string, context: Context<R>) => Promise<void>,
): InlineJob<any, R & Recorded, any> {
  return {
    ...job,
    async handler(one, context) {
      const { ledger } = context.resources
      ledger.write('started', one.id)
      await job.handler(one, context)
      await more(one.id, context)
      ledger.write('done', one.id)
    },
  }
}

function hashOf(id: string): number {
  let hash = 0
  for (let index = 0; index < id.length; index++) hash = (hash * 31 + id.charCodeAt(index)) >>> 0
  return hash
}

/** The folders of this worker process, from its environment; it ends with the process that started it. */
export function foldersOfProcess(): DemoFolders {
  const { EXAMPLES_ROOT: root, DEMO_LEDGER: ledger } = process.env
  if (!root || !ledger) throw new Error('expected EXAMPLES_ROOT and DEMO_LEDGER in the environment: run tidemill demo')
  // The demo holds the other end of stdin: it closes also when the demo was killed and could tell nobody.
  process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM')).resume()
  process.stdin.unref()
  return { root, ledger }
}
