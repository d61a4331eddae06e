import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Observer, WorkerEvent } from '../../worker/contracts.ts'
import { defineJob } from '../../worker/define.ts'
import { gate, poolOf, turns, UNSEEN } from '../helpers/pool.ts'
import { FakeDelivery, FakeSource } from '../helpers/source.ts'

test('a job that ignores its abort frees its slot after the grace, is reported, and reported again when it ends', async () => {
  const open = gate()
  const events: WorkerEvent[] = []
  const ended = gate()
  const observer: Observer = {
    ...UNSEEN,
    event(event) {
      events.push(event)
      if (event.name === 'unstuck') ended.resolve()
    },
  }
  const source = new FakeSource()
  const job = defineJob({ type: 'job', handler: () => open.promise })
  const pool = poolOf([job], { timeoutMs: 5, abortGraceMs: 5, concurrency: 1, observer })
  const working = pool.run(source)
  const delivery = new FakeDelivery()
  source.push(delivery)
  assert.equal((await delivery.settled).kind, 'retry')
  assert.equal(pool.stuck, 1)
  open.resolve()
  await ended.promise
  assert.equal(pool.stuck, 0)
  assert.deepEqual(
    events.map(({ name }) => name),
    ['stuck', 'unstuck'],
  )
  source.end()
  await working
})

test('jobs that never end cost their slots nothing but the grace, whatever becomes of them, and the pool ends without them', async () => {
  const events: string[] = []
  const late = gate()
  const source = new FakeSource({ polls: true })
  const jobs = [
    defineJob({ type: 'endless', handler: () => new Promise(() => {}) }),
    defineJob({ type: 'late', handler: () => late.promise.then(() => assert.fail('too late to matter')) }),
    defineJob({ type: 'job', handler() {} }),
  ]
  const observer: Observer = { ...UNSEEN, event: ({ name }) => void events.push(name) }
  const pool = poolOf(jobs, { timeoutMs: 5, abortGraceMs: 5, concurrency: 1, observer })
  const working = pool.run(source)
  const types = ['endless', 'late', 'endless', 'job'] as const
  const deliveries = types.map((type, id) => new FakeDelivery({ id: String(id), type }))
  source.push(...deliveries)
  const outcomes = await Promise.all(deliveries.map(({ settled }) => settled))
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['retry', 'retry', 'retry', 'ack'],
  )
  assert.equal(pool.stuck, 3)
  late.resolve()
  await turns(3)
  assert.equal(pool.stuck, 2)
  source.end()
  await working
  assert.equal(pool.inFlight, 0)
  assert.deepEqual(events, ['stuck', 'stuck', 'stuck', 'unstuck'])
})

test('an observer that throws at a job that is stuck ends the pool with its error, too', async () => {
  const source = new FakeSource()
  const observer: Observer = { ...UNSEEN, event: () => assert.fail('a bad observer') }
  const job = defineJob({ type: 'job', handler: () => new Promise(() => {}) })
  const working = poolOf([job], { timeoutMs: 5, abortGraceMs: 5, observer }).run(source)
  source.push(new FakeDelivery())
  source.end()
  await assert.rejects(working, /a bad observer/)
})
