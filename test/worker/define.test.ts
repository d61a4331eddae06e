import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { defineJob, defineWorker, isWorkerDefinition } from '../../worker/define.ts'
import { TidemillError } from '../../worker/errors.ts'

const handler = () => {}
const refuses = (define: () => unknown, ...expected: RegExp[]) =>
  assert.throws(define, (error) => {
    assert.ok(error instanceof TidemillError && error.code === 'DEFINITION')
    for (const pattern of expected) assert.match(error.message, pattern)
    return true
  })

test('a sound job and worker are taken as they are, and can not be changed afterwards', () => {
  const job = defineJob({ type: 'a', schema: z.object({}), handler })
  const worker = defineWorker({ queue: 'orders', jobs: [job] })
  assert.ok(isWorkerDefinition(worker) && !isWorkerDefinition({ ...worker }))
  assert.ok(Object.isFrozen(worker) && Object.isFrozen(job))
})

test('a faulty job is refused with every fault, what was expected and what came', () => {
  const faulty = {
    type: 'has space',
    handler: 'x',
    timeoutMs: -1,
    maxConcurrent: 1.5,
    retry: { attempts: 0, factor: 0 },
  }
  refuses(
    () => defineJob(faulty as never),
    /type: expected 1 to 255 printable characters, got "has space"/,
    /handler: expected a function or the file: URL of a module, got "x"/,
    /timeoutMs: expected 1 to .*, got -1/,
    /maxConcurrent: .* got 1.5/,
    /retry\.attempts: .* got 0/,
    /retry\.factor: .* got 0/,
  )
  refuses(
    () => defineJob({ type: 'a', schema: {}, handler } as never),
    /schema: expected a Standard Schema, got an object/,
  )
  refuses(() => defineJob(null as never), /expected an object, got null/)
})

test('a handler may be the file: URL of a module, and no other URL', () => {
  const url = new URL('file:///film.js')
  assert.equal(defineJob({ type: 'film', handler: url }).handler, url)
  refuses(
    () => defineJob({ type: 'film', handler: new URL('https://example.org/film.js') }),
    /handler: .* got a https: URL/,
  )
})

test('a faulty worker is refused, and so are two jobs of one type', () => {
  const job = defineJob({ type: 'a', handler })
  refuses(() => defineWorker({ queue: 'a b', jobs: [job] }), /queue: .* got "a b"/)
  refuses(() => defineWorker({ queue: 'q', jobs: [] }), /jobs: expected a list of at least one job, got an empty list/)
  refuses(
    () => defineWorker({ queue: 'q', jobs: [job, job] }),
    /jobs\[1\]\.type: expected each type once, got "a" again/,
  )
  refuses(() => defineWorker({ queue: 'q', jobs: [job], onDead: 1 } as never), /onDead: expected a function, got 1/)
})
