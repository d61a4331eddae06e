import { setTimeout as pause } from 'node:timers/promises'
import { type Context, defineJob, defineWorker, type WorkerDefinition } from '../../worker/define.ts'
import { RetryLater } from '../../worker/errors.ts'
import { type OrderResources, openOrders, orderProcess } from '../../worker/handlers/orders.ts'

const MIN_MS = 80
const SPREAD_MS = 220
const PUT_OFF_MS = 1_000

/**
 * The worker of a load that brings none: it prices orders of `tidemill/handlers`, each after 80 to 300 ms of waiting (a payment, a stock
 * of goods). Jobs of that length, at a steady rate, are what shows a worker that acknowledges before the work: in a burst of short ones
 * nothing is lost that was not also done. Every hundredth order is put off once, so that retries are struck as well.
 */
export function loadOrders(root: string): WorkerDefinition<OrderResources> {
  return defineWorker({
    queue: 'load',
    concurrency: 10,
    retryLadderMs: [PUT_OFF_MS, 5_000],
    jobs: [
      defineJob({
        ...orderProcess,
        schema: orderProcess.schema!,
        async handler(order, context: Context<OrderResources>) {
          const number = Number(/\d+$/.exec(order.payload.orderId)?.[0])
          await pause(MIN_MS + ((number * 7_919) % SPREAD_MS), undefined, { signal: context.signal })
          if (order.attempt === 1 && number % 100 === 50) {
            throw new RetryLater(PUT_OFF_MS, 'the price list is being replaced')
          }
          await orderProcess.handler(order, context)
        },
      }),
    ],
    setup: () => openOrders(root),
  })
}
