import { defineWorker } from '../define.ts'
import { openOrders, orderProcess } from './orders.ts'

/** `tidemill work` on the queue `orders`; receipts go below `EXAMPLES_ROOT`, default `./examples`. */
export default defineWorker({
  queue: 'orders',
  concurrency: 20,
  jobs: [orderProcess],
  setup: () => openOrders(process.env['EXAMPLES_ROOT'] ?? 'examples'),
})
