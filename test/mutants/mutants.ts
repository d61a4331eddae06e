/** A fault that is built in on purpose, and the test that has to notice it. */
export interface Mutant {
  readonly name: string
  /** The file that is changed. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  readonly test: { readonly file: string; readonly name: string }
  /** What the failure says. A test that fails for another reason (a mutant that does not even start) has noticed nothing. */
  readonly says: RegExp
}

const SIGKILL = { file: 'test/faults/worker-process.test.ts', name: 'a SIGKILL of workers loses no job' }
const ROLL = {
  file: 'test/faults/worker-process.test.ts',
  name: 'a SIGTERM roll of all workers, twice, begins no job again and ends each with 0',
}
const OUTAGE = {
  file: 'test/faults/retry-outage.test.ts',
  name: 'while retries can not be written, jobs are held and none is lost; all is well again by itself',
}
const BOUND = {
  file: 'test/faults/bounded-pull.test.ts',
  name: 'with 10,000 jobs ready and a concurrency of 5, the broker never shows more than 5 unacknowledged',
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'ack-first',
    file: 'worker/pool.ts',
    find: '      const begun = this.#begin(message, label)\n',
    replace: "      const begun = this.#begin(message, label)\n      void delivery.settle({ kind: 'ack' })\n",
    test: SIGKILL,
    says: /jobs were lost/,
  },
  {
    name: 'no-confirm',
    file: 'worker/brokers/outbox.ts',
    find: 'await this.#publish(copy)',
    replace: 'void this.#publish(copy).catch(() => {})',
    test: OUTAGE,
    says: /jobs were lost/,
  },
  {
    name: 'no-mandatory',
    file: 'worker/brokers/rabbitmq/copy.ts',
    find: 'mandatory: true',
    replace: 'mandatory: false',
    test: OUTAGE,
    says: /jobs were lost/,
  },
  {
    name: 'no-settle-pause',
    file: 'worker/brokers/rabbitmq/epoch.ts',
    find: '    const sinceMs = performance.now() - this.#acks.writtenAt\n',
    replace: '    if (settlePauseMs >= 0) return\n    const sinceMs = performance.now() - this.#acks.writtenAt\n',
    test: ROLL,
    says: /jobs were begun again|settled jobs are still on the broker/,
  },
  {
    name: 'unbounded-pull',
    file: 'worker/brokers/rabbitmq/consumer.ts',
    find: 'epoch.channel.prefetch(prefetch)',
    replace: 'epoch.channel.prefetch(0)',
    test: BOUND,
    says: /were unacknowledged/,
  },
  {
    name: 'no-slot-limit',
    file: 'worker/pool.ts',
    find: '          await this.#work(next)\n',
    replace: '          void this.#work(next)\n',
    test: { file: 'test/worker/pool.test.ts', name: 'nothing is pulled while every slot is taken' },
    says: /./,
  },
  {
    name: 'prototype-keys',
    file: 'worker/decode.ts',
    find: 'const reachesPrototype =',
    replace: 'const reachesPrototype = false &&',
    test: {
      file: 'test/worker/decode.test.ts',
      name: 'keys that reach a prototype are refused at any depth, also escaped; a plain key named constructor is data',
    },
    says: /./,
  },
  {
    name: 'interruption-counts',
    file: 'worker/retry.ts',
    find: "  if (aborted !== undefined || codeOf(error) === 'SHUTDOWN') return RELEASE\n",
    replace: '',
    test: {
      file: 'test/worker/retry.test.ts',
      name: 'an interruption by shutdown or a lost lease releases the job, even on its last attempt',
    },
    says: /./,
  },
  {
    name: 'ledger-overwrites',
    file: 'test/load/ledger.ts',
    find: "openSync(pathOf(folder, page), 'a')",
    replace: "openSync(pathOf(folder, page), 'w')",
    test: {
      file: 'test/ledger.test.ts',
      name: 'several processes write at once without spoiling a line, and a SIGKILL loses none that was written',
    },
    says: /./,
  },
  {
    name: 'oracle-takes-a-start-for-an-end',
    file: 'test/load/oracle.ts',
    find: '!ends.has(id) && !dead.has(id)',
    replace: '!starts.has(id) && !dead.has(id)',
    test: { file: 'test/oracle.test.ts', name: 'a confirmed job that was started and never done is lost' },
    says: /./,
  },
  {
    name: 'void-strikes-count',
    file: 'test/load/striker.ts',
    find: '      if (hit.size > 0) {\n        this.#hits',
    replace: '      if (hit.size >= 0) {\n        this.#hits',
    test: {
      file: 'test/load-striker.test.ts',
      name: 'a kill that finds nothing in hand does nothing, counts as void, and is tried again',
    },
    says: /./,
  },
  {
    name: 'ledger-done-first',
    file: 'test/load/recorded.ts',
    find: "      ledger.write('started', one.id)\n",
    replace: "      ledger.write('started', one.id)\n      ledger.write('done', one.id)\n",
    test: {
      file: 'test/load-recorded.test.ts',
      name: 'a job is written down as started before its handler and as done after it',
    },
    says: /./,
  },
  {
    name: 'order-of-nobody',
    file: 'test/load/order.ts',
    find: 'job.place < (furthest.get(job.key) ?? -1)',
    replace: 'job.place < (furthest.get(id) ?? -1)',
    test: { file: 'test/load-order.test.ts', name: 'a job that is done after a later one of its key was overtaken' },
    says: /./,
  },
]
