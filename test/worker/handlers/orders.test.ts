import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { PermanentError, TidemillError } from '../../../worker/errors.ts'
import { type Order, openOrders, orderProcess, priceOrder } from '../../../worker/handlers/orders.ts'
import { runJob } from '../../../worker/run-job.ts'

const ORDER: Order = {
  orderId: 'order-1',
  currency: 'EUR',
  lines: [
    { sku: 'tea', quantity: 3, unitCents: 499, taxBasisPoints: 700 },
    { sku: 'cup', quantity: 1, unitCents: 1_250, taxBasisPoints: 1_900 },
  ],
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tidemill-orders-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

test('an order is priced per line, and its receipt is written below the root', async (t) => {
  const root = await folder(t)
  await runJob(orderProcess, ORDER, { resources: await openOrders(root) })
  const receipt = JSON.parse(await readFile(join(root, 'receipts/order-1.json'), 'utf8'))
  assert.deepEqual(receipt, {
    orderId: 'order-1',
    currency: 'EUR',
    lines: [
      { sku: 'tea', quantity: 3, unitCents: 499, netCents: 1_497, taxCents: 105 },
      { sku: 'cup', quantity: 1, unitCents: 1_250, netCents: 1_250, taxCents: 238 },
    ],
    netCents: 2_747,
    taxCents: 343,
    totalCents: 3_090,
  })
})

test('half a cent of tax is rounded up, per line', () => {
  const line = (unitCents: number) => ({ sku: 'x', quantity: 1, unitCents, taxBasisPoints: 500 })
  const { lines, taxCents } = priceOrder({ ...ORDER, lines: [line(9), line(10), line(29), line(30)] })
  assert.deepEqual(
    lines.map((one) => one.taxCents),
    [0, 1, 1, 2],
  )
  assert.equal(taxCents, 4)
})

test('prices are exact whole cents for every order that the schema takes', () => {
  const line = fc.record({
    sku: fc.constant('x'),
    quantity: fc.integer({ min: 1, max: 1_000 }),
    unitCents: fc.integer({ min: 0, max: 10_000_000 }),
    taxBasisPoints: fc.integer({ min: 0, max: 10_000 }),
  })
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 100 }), (lines) => {
      const receipt = priceOrder({ ...ORDER, lines })
      let [net, tax] = [0n, 0n]
      for (const { quantity, unitCents, taxBasisPoints } of lines) {
        const lineNet = BigInt(quantity) * BigInt(unitCents)
        net += lineNet
        tax += (lineNet * BigInt(taxBasisPoints) + 5_000n) / 10_000n
      }
      assert.deepEqual([BigInt(receipt.netCents), BigInt(receipt.taxCents)], [net, tax])
      assert.equal(BigInt(receipt.totalCents), net + tax)
    }),
  )
})

test('a second run of an order finds the receipt and does nothing', async (t) => {
  const root = await folder(t)
  const resources = await openOrders(root)
  await runJob(orderProcess, ORDER, { resources, id: 'one' })
  const path = join(root, 'receipts/order-1.json')
  const first = await stat(path)
  await runJob(orderProcess, { ...ORDER, currency: 'USD' }, { resources, id: 'two' })
  const second = await stat(path)
  assert.deepEqual([second.ino, second.mtimeMs], [first.ino, first.mtimeMs])
})

test('runs of one order at once leave one whole receipt and nothing else', async (t) => {
  const root = await folder(t)
  const resources = await openOrders(root)
  await Promise.all(Array.from({ length: 20 }, () => runJob(orderProcess, ORDER, { resources })))
  assert.deepEqual(await readdir(join(root, 'receipts')), ['order-1.json'])
  const receipt = JSON.parse(await readFile(join(root, 'receipts/order-1.json'), 'utf8'))
  assert.equal(receipt.totalCents, 3_090)
})

test('an order that was interrupted leaves no receipt', async (t) => {
  const root = await folder(t)
  const resources = await openOrders(root)
  const signal = AbortSignal.abort(new Error('the worker is stopping'))
  await assert.rejects(runJob(orderProcess, ORDER, { resources, signal }), /the worker is stopping/)
  assert.deepEqual(await readdir(root), [])
})

const faulty: readonly (readonly [title: string, order: object])[] = [
  ['no lines', { ...ORDER, lines: [] }],
  ['a negative price', { ...ORDER, lines: [{ ...ORDER.lines[0], unitCents: -1 }] }],
  ['half a cent', { ...ORDER, lines: [{ ...ORDER.lines[0], unitCents: 0.5 }] }],
  ['a quantity of none', { ...ORDER, lines: [{ ...ORDER.lines[0], quantity: 0 }] }],
  ['a tax of more than all', { ...ORDER, lines: [{ ...ORDER.lines[0], taxBasisPoints: 10_001 }] }],
  ['an id that climbs out of the root', { ...ORDER, orderId: '../../etc/passwd' }],
  ['an id with a slash', { ...ORDER, orderId: 'a/b' }],
  ['a currency of its own', { ...ORDER, currency: 'XXX' }],
  ['a field too many', { ...ORDER, discount: 100 }],
]
for (const [title, order] of faulty) {
  test(`an order with ${title} is invalid and writes nothing`, async (t) => {
    const root = await folder(t)
    const resources = await openOrders(root)
    await assert.rejects(
      runJob(orderProcess, order as Order, { resources }),
      (error) => error instanceof TidemillError && error.code === 'INVALID_PAYLOAD',
    )
    assert.deepEqual(await readdir(root), [])
  })
}

test('a receipt that can not be written is no permanent failure', async (t) => {
  const root = await folder(t)
  const resources = await openOrders(join(root, 'gone'))
  await rm(join(root, 'gone'), { recursive: true })
  await assert.rejects(
    runJob(orderProcess, ORDER, { resources }),
    (error) => !(error instanceof PermanentError) && (error as NodeJS.ErrnoException).code === 'ENOENT',
  )
})
