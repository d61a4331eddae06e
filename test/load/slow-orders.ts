import { setTimeout as pause } from 'node:timers/promises'
import { type Context, defineJob, defineWorker, type WorkerDefinition } from '../../worker/define.ts'
import { RetryLater } from '../../worker/errors.ts'
import { type OrderResources, openOrders, orderProcess } from '../../worker/handlers/orders.ts'

export interface SlowOrdersOptions {
  readonly queue: string
  readonly concurrency: number
  /** How long an order waits for what a real one waits for (a payment, a stock of goods): the least and the most, in ms. */
  readonly waitMs: readonly [least: number, most: number]
  readonly retryLadderMs?: readonly number[]
}

const PUT_OFF_MS = 1_000

/** Every hundredth order is put off once, so that the retry ladder is seen at work. */
export function isPutOff(orderId: string): boolean {
  return /^order-\d+-\d*50$/.test(orderId)
}

/** The orders of `tidemill/handlers`, each with a wait before it is priced. @param root the folder of the examples */
export function slowOrders(root: string, { waitMs, ...options }: SlowOrdersOptions): WorkerDefinition<OrderResources> {
  const [least, most] = waitMs
  return defineWorker({
    ...options,
    jobs: [
      defineJob({
        ...orderProcess,
        schema: orderProcess.schema!,
        async handler(order, context: Context<OrderResources>) {
          const { orderId } = order.payload
          await pause(least + (hashOf(orderId) % (most - least)), undefined, { signal: context.signal })
          if (order.attempt === 1 && isPutOff(orderId)) {
            throw new RetryLater(PUT_OFF_MS, 'the price list is being replaced')
          }
          await orderProcess.handler(order, context)
        },
      }),
    ],
    setup: () => openOrders(root),
  })
}

/** The folder of the examples of this worker process, from its environment. @param command which made it */
export function rootOfProcess(command: string): string {
  const { EXAMPLES_ROOT: root } = process.env
  if (!root) throw new Error(`expected EXAMPLES_ROOT in the environment: run tidemill ${command}`)
  return root
}

function hashOf(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (hash * 31 + text.charCodeAt(index)) >>> 0
  return hash
}
