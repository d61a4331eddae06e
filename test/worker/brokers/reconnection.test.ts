import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reconnection } from '../../../worker/brokers/reconnection.ts'
import type { WorkerEvent } from '../../../worker/contracts.ts'
import { turns } from '../../helpers/pool.ts'

const TRIES = 30

test('a broker that does not come back is looked for at least every ten seconds, for ever', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let tries = 0
  const waits: number[] = []
  const reconnection = new Reconnection<never>({
    role: 'publish',
    observe: (event: WorkerEvent) => {
      if (event.name === 'connection') waits.push(event.retryInMs!)
    },
    dial: () => {
      tries++
      return Promise.reject(new Error('nobody there'))
    },
    serve: () => Promise.resolve(undefined),
  })
  reconnection.open()
  for (let wanted = 1; wanted <= TRIES; wanted++) {
    await turns(2)
    assert.ok(tries >= wanted, `${tries} tries in ${(wanted - 1) * 10} s`)
    t.mock.timers.tick(10_000)
  }
  reconnection.stop()
  await reconnection.ended()
  assert.ok(Math.max(...waits) > 1_000, 'longer and longer, so that a broker that comes back is not stormed')
})
