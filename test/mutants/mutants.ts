/** One change of a file. */
export interface Change {
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
}

/** A fault that is built in on purpose, and the test that has to notice it. */
export interface Mutant extends Change {
  readonly name: string
  /** What else has to be changed, where one guard stands behind another. */
  readonly and?: Change
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

const KAFKA_ROLL = {
  file: 'test/faults/kafka-worker-process.test.ts',
  name: 'a SIGTERM roll of all workers on Kafka, twice, begins no job again and ends each with 0',
}
const KAFKA_FROZEN = {
  file: 'test/faults/kafka-worker-process.test.ts',
  name: 'a worker that was frozen beyond its session commits nothing of what it had lost when it goes on',
}
const KAFKA_BLOCKED = {
  file: 'test/faults/kafka-worker-process.test.ts',
  name: 'when the first job blocks and 500 behind it are done, a crash makes it run again, and of the others no more than the bound',
}

const KAFKA_OUTLAST = {
  file: 'test/faults/kafka-rebalance.test.ts',
  name: 'jobs that outlast a hand-over run on where their partition stays, and once more where it goes',
}

const KAFKA_BETWEEN = {
  file: 'test/faults/kafka-rebalance.test.ts',
  name: 'jobs that end between a join and what is assigned by it are not committed as if they were of the new assignment',
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'ack-first',
    file: 'worker/pool.ts',
    find: '      const begun = this.#begin(message, label)\n',
    replace: "      const begun = this.#begin(message, label)\n      void next.settle({ kind: 'ack' })\n",
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
    name: 'commit-highest',
    file: 'worker/brokers/kafka/offsets.ts',
    find: '    const { position } = this\n    const marks = marksAt(position)\n    const { text, forgotten } = encode(position, { finished: this.#runs(), marks }',
    replace:
      '    const position = this.#finishedEnd\n    const marks = marksAt(position)\n    const { text, forgotten } = encode(position, { finished: [], marks }',
    test: KAFKA_BLOCKED,
    says: /jobs were lost/,
  },
  {
    name: 'no-epoch',
    file: 'worker/brokers/kafka/member.ts',
    find: '    this.#restarted.clear()\n    this.#hooks.lost(reason)\n',
    replace: '    this.#restarted.clear()\n',
    and: {
      file: 'worker/brokers/kafka/member.ts',
      find: 'const isContinuous = memberId === before.memberId && generation === before.generation + 1',
      replace: 'const isContinuous = memberId !== before.memberId || generation > 0',
    },
    test: KAFKA_FROZEN,
    says: /the watermark fell|no longer knows/,
  },
  {
    name: 'foreign-commits',
    file: 'worker/brokers/kafka/holdings.ts',
    find: 'filter(({ name }) => isContinuous && names.has(name))',
    replace: 'filter(() => isContinuous)',
    test: KAFKA_OUTLAST,
    says: /a foreign commit of \d+ was taken: \S+ was not given it/,
  },
  {
    name: 'epoch-of-the-join',
    file: 'worker/brokers/kafka/source.ts',
    find: 'epoch: () => this.#member.epoch,',
    replace: 'epoch: () => this.#group.epoch,',
    test: KAFKA_BETWEEN,
    says: /a foreign commit of \d+ was taken: \S+ was not given it/,
  },
  {
    name: 'commit-after-stop',
    file: 'worker/brokers/kafka/source.ts',
    find: '    await this.#committer.flush(left())\n',
    replace: '',
    test: KAFKA_ROLL,
    says: /jobs were begun again/,
  },
  {
    name: 'drop-metadata',
    file: 'worker/brokers/kafka/partition.ts',
    find: 'decode(position, metadata)',
    replace: 'decode(position, metadata && null)',
    test: KAFKA_BLOCKED,
    says: /no longer knows|were begun again/,
  },
  {
    name: 'blame-the-next',
    file: 'worker/brokers/kafka/crash-watch.ts',
    find: 'return this.#carriedOn(position)',
    replace: 'return this.#restored',
    and: {
      file: 'worker/brokers/kafka/metadata.ts',
      find: 'marks.named !== undefined && marks.named.offset >= position ? marks.named : undefined',
      replace: 'marks.named && { ...marks.named, offset: Math.max(position, marks.named.offset) }',
    },
    test: {
      file: 'test/worker/brokers/kafka/crash-stories.test.ts',
      name: 'crashes from outside condemn a record only when as many as the limit met it alone',
    },
    says: /is said to have begun \d+ times/,
  },
  {
    name: 'no-slot-limit',
    file: 'worker/pool.ts',
    find: '() => this.#lanes(() => this.serve(iterator)))',
    replace: '() => [this.serve(iterator), this.serve(iterator)]).flat()',
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
    find: "      ledger.write('started', id)\n",
    replace: "      ledger.write('started', id)\n      ledger.write('done', id)\n",
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
