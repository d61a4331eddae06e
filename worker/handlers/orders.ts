import * as z from 'zod'
import { type Context, defineJob } from '../define.ts'
import { ObjectStore } from './store.ts'

const Line = z.strictObject({
  sku: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
  quantity: z.int().min(1).max(1_000),
  /** Net price of one piece. */
  unitCents: z.int().min(0).max(10_000_000),
  /** 1,900 is 19 %. */
  taxBasisPoints: z.int().min(0).max(10_000),
})

const Order = z.strictObject({
  orderId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
  currency: z.enum(['EUR', 'GBP', 'USD']),
  lines: z.array(Line).min(1).max(100),
})

export type Order = z.infer<typeof Order>

/** One priced line; all amounts are whole cents. */
interface ReceiptLine {
  readonly sku: string
  readonly quantity: number
  readonly unitCents: number
  readonly netCents: number
  readonly taxCents: number
}

export interface Receipt {
  readonly orderId: string
  readonly currency: string
  readonly lines: readonly ReceiptLine[]
  readonly netCents: number
  readonly taxCents: number
  readonly totalCents: number
}

/** What `order.process` needs: where receipts are kept. */
export interface OrderResources {
  readonly store: ObjectStore
}

/** @param root the folder below which receipts are written, as `receipts/ORDER.json` */
export async function openOrders(root: string): Promise<OrderResources> {
  return { store: await ObjectStore.open(root) }
}

/** Prices an order and writes its receipt. Idempotent by the order's id: where a receipt is, nothing is done. */
export const orderProcess = defineJob({
  type: 'order.process',
  schema: Order,
  timeoutMs: 10_000,
  async handler(job, { resources, log, signal }: Context<OrderResources>) {
    const { orderId } = job.payload
    const key = `receipts/${orderId}.json`
    if (await resources.store.has(key)) {
      log.debug({ orderId }, 'the order has its receipt already')
      return
    }
    const receipt = priceOrder(job.payload)
    signal.throwIfAborted()
    await resources.store.write(key, `${JSON.stringify(receipt, null, 2)}\n`)
  },
})

/**
 * Prices an order in whole cents. Tax is rounded per line, half a cent up, as invoices do. The schema's bounds keep every
 * product below 2^53, so that integer arithmetic in doubles is exact.
 */
export function priceOrder(order: Order): Receipt {
  const lines = order.lines.map(({ sku, quantity, unitCents, taxBasisPoints }) => {
    const netCents = quantity * unitCents
    const taxCents = Math.floor((netCents * taxBasisPoints + 5_000) / 10_000)
    return { sku, quantity, unitCents, netCents, taxCents }
  })
  const netCents = lines.reduce((sum, line) => sum + line.netCents, 0)
  const taxCents = lines.reduce((sum, line) => sum + line.taxCents, 0)
  const { orderId, currency } = order
  return { orderId, currency, lines, netCents, taxCents, totalCents: netCents + taxCents }
}
