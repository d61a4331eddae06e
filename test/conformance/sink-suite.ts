import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACK, expectBacklog, Feed, type Harness, jobOf, send, withCode, within } from './harness.ts'

/** How jobs are enqueued. */
export function sinkTests(harness: Harness): void {
  test('a job arrives as it was sent', async (t) => {
    const room = await harness.open(t)
    const sink = room.broker.sink()
    room.defer(() => within('the sink to close', sink.close()))
    const headers = { 'x-tenant': 'acme' }
    const job = jobOf('a', { key: 'customer-7', headers, contentType: 'application/x-test' })
    const sent = sink.send(job)
    headers['x-tenant'] = 'changed after the call'
    await within('the confirm', sent)
    const { message } = await new Feed(room).next()
    assert.deepEqual(
      [message.id, message.idDerived, message.type, message.contentType, message.key, message.enqueuedAt],
      ['a', false, 'test', 'application/x-test', 'customer-7', job.enqueuedAt],
    )
    assert.deepEqual(Buffer.from(message.body), Buffer.from(job.body))
    assert.deepEqual([message.headers['x-tenant'], message.attempt, message.redelivered], ['acme', 1, false])
  })

  test('send resolves once the job is in the queue', async (t) => {
    const room = await harness.open(t)
    await send(room, 'a', 'b', 'c')
    const taken = await new Feed(room).take(3)
    assert.deepEqual(
      taken.map(({ message }) => message.id),
      ['a', 'b', 'c'],
    )
  })

  test('a hundred sends at once arrive once each', async (t) => {
    const ids = Array.from({ length: 100 }, (_, index) => `job-${String(index).padStart(2, '0')}`)
    const room = await harness.open(t, { concurrency: 100 })
    const sink = room.broker.sink()
    room.defer(() => within('the sink to close', sink.close()))
    await within('the confirms', Promise.all(ids.map((id) => sink.send(jobOf(id)))))
    const feed = new Feed(room)
    const taken = await feed.take(100)
    assert.deepEqual(taken.map(({ message }) => message.id).sort(), [...ids].sort())
    for (const delivery of taken) await within('the settlement', delivery.settle(ACK))
    await expectBacklog(room, { ready: 0, unacknowledged: 0 })
  })

  test('a send to a queue that is not there rejects as UNROUTABLE, and the sink goes on', async (t) => {
    const room = await harness.open(t, {}, { topology: false })
    const sink = room.broker.sink()
    room.defer(() => within('the sink to close', sink.close()))
    await assert.rejects(within('the answer', sink.send(jobOf('a'))), withCode('UNROUTABLE'))
    const topology = room.broker.topology()
    room.defer(() => within('the topology to close', topology.close()))
    await within('the topology', topology.apply())
    await within('the confirm', sink.send(jobOf('b')))
    await expectBacklog(room, { ready: 1 })
  })

  test('a sink that was closed rejects as CLOSED, however often it was closed', async (t) => {
    const room = await harness.open(t)
    const sink = room.broker.sink()
    await within('the confirm', sink.send(jobOf('a')))
    await within('the sink to close', Promise.all([sink.close(), sink.close()]))
    await within('the sink to close', sink.close())
    await assert.rejects(within('the answer', sink.send(jobOf('b'))), withCode('CLOSED'))
    await expectBacklog(room, { ready: 1 })
  })

  test('a sink that was closed before its first send rejects as CLOSED', async (t) => {
    const room = await harness.open(t)
    const sink = room.broker.sink()
    await within('the sink to close', sink.close())
    await assert.rejects(within('the answer', sink.send(jobOf('a'))), withCode('CLOSED'))
  })

  test('close waits for what is under way', async (t) => {
    const room = await harness.open(t)
    const sink = room.broker.sink()
    await within('the confirm', sink.send(jobOf('first')))
    const sends = Promise.all(['a', 'b', 'c'].map((id) => sink.send(jobOf(id))))
    await within('the sink to close', sink.close())
    await within('the confirms', sends)
    await expectBacklog(room, { ready: 4 })
  })
}
