import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { generators } from '../../../worker/handlers/generator.ts'
import { openImages } from '../../../worker/handlers/images.ts'
import { openOrders } from '../../../worker/handlers/orders.ts'
import { seededRandom, wholeBetween } from '../../../worker/handlers/random.ts'
import { runJob } from '../../../worker/run-job.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tidemill-generator-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

async function hashes(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(root)).sort()) {
    found[name] = createHash('sha256')
      .update(await readFile(join(root, name)))
      .digest('hex')
  }
  return found
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

test('generated orders can be processed, and differ', async (t) => {
  const root = await folder(t)
  const resources = await openOrders(root)
  const { job, generate } = generators.orders
  const payloads = new Set<string>()
  for await (const { id, payload } of generate({ count: 50, root })) {
    assert.equal(payload.orderId, id)
    payloads.add(JSON.stringify({ ...payload, orderId: '' }))
    await runJob(job, payload, { resources, id })
  }
  assert.equal((await readdir(join(root, 'receipts'))).length, 50)
  assert.ok(payloads.size > 45, `expected orders that differ, got ${payloads.size} of 50`)
})

test('generated images are of many sizes and can be transcoded', async (t) => {
  const root = await folder(t)
  const resources = await openImages(root)
  const { job, generate } = generators.images
  const outputs: string[] = []
  for await (const { id, payload } of generate({ count: 8, root })) {
    await runJob(job, payload, { resources, id })
    outputs.push(payload.output)
  }
  assert.deepEqual((await readdir(join(root, 'outputs'))).map((name) => `outputs/${name}`).sort(), outputs.sort())
  assert.equal(new Set(Object.values(await hashes(join(root, 'inputs')))).size, 8)
})

test('the same seed gives the same jobs and the same bytes, another seed gives others', async (t) => {
  const make = async (seed: number) => {
    const root = await folder(t)
    const orders = await all(generators.orders.generate({ count: 20, seed, root }))
    const images = await all(generators.images.generate({ count: 4, seed, root }))
    return { orders, images, inputs: await hashes(join(root, 'inputs')) }
  }
  const [one, same, other] = [await make(7), await make(7), await make(8)]
  assert.deepEqual(one, same)
  assert.notDeepEqual(
    one.orders.map(({ payload }) => payload.lines),
    other.orders.map(({ payload }) => payload.lines),
  )
  assert.equal(
    Object.values(other.inputs).some((hash) => Object.values(one.inputs).includes(hash)),
    false,
  )
})

test('the seeded numbers are those of mulberry32, and fill their range evenly', () => {
  const random = seededRandom(42)
  assert.deepEqual([random(), random(), random()], [0.6011037519201636, 0.44829055899754167, 0.8524657934904099])
  const counts = Array<number>(10).fill(0)
  for (let draw = 0; draw < 100_000; draw++) counts[wholeBetween(random, 0, 9)]! += 1
  for (const count of counts) assert.ok(count > 9_500 && count < 10_500, `expected about 10,000, got ${count}`)
})
