import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sharedBroker } from '../helpers/broker.ts'
import { tidemill } from '../helpers/command.ts'
import { uniqueName } from '../helpers/queue.ts'
import type { LoadReport } from '../load/load-report.ts'
import { MUTANTS } from '../mutants/mutants.ts'
import { Tree } from '../mutants/tree.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const RUNS = 5
const RUN_TIMEOUT_MS = 120_000

test('a worker that acknowledges before the work loses jobs in every one of five runs', async (t) => {
  const broker = await sharedBroker()
  const tree = new Tree(ROOT)
  t.after(() => tree.remove())
  tree.apply(MUTANTS.find(({ name }) => name === 'ack-first')!)
  const [command, file] = [join(tree.folder, 'bin', 'tidemill.ts'), join(tree.folder, 'test', 'load', 'load-orders.ts')]
  const worker = [
    '--worker',
    `${process.execPath} ${command} work ${file}`,
    '--type',
    'order.process',
    '--from',
    'orders',
  ]
  const lost: number[] = []
  for (let seed = 1; seed <= RUNS; seed++) {
    // Not a name of the load's own: another test beside this one counts those that are left.
    const queue = ['--queue', uniqueName('mutant')]
    const args = ['load', ...worker, ...queue, '--jobs', '200', '--kill', '2', '--seed', String(seed), '--json']
    const env = { TIDEMILL_BROKER_URL: broker.url }
    const { code, stdout, stderr } = await tidemill(args, { env, timeoutMs: RUN_TIMEOUT_MS })
    const report: LoadReport = JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
    t.after(() => rmSync(report.ledger, { recursive: true, force: true }))
    assert.ok(report.lost > 0, `run ${seed} lost nothing: ${stderr}`)
    assert.deepEqual([code, report.ok, report.left], [1, false, 0])
    assert.ok(report.kills > 0, stderr)
    lost.push(report.lost)
  }
  t.diagnostic(`lost: ${lost.join(', ')} of 200`)
})
