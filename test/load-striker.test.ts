import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RunEvent } from './load/events.ts'
import type { LoadWorker, WorkerEnd } from './load/load-worker.ts'
import { Striker, type StrikerOptions } from './load/striker.ts'
import type { Strike } from './load/strikes.ts'

const ENDED: WorkerEnd = { code: 0, signal: null }

/** A worker that holds what it is told to; it knows when it is frozen. */
class PuppetWorker implements LoadWorker {
  readonly pid = 1
  readonly output = ''
  readonly ended: Promise<WorkerEnd>
  readonly spoke = Promise.resolve()
  readonly calls: string[] = []
  readonly name: string
  inHand: ReadonlySet<string>
  isRunning = true
  isLeaving = false
  /** What it still holds when it has come to a stop. */
  whenFrozen: () => Iterable<string>
  #end!: (end: WorkerEnd) => void

  constructor(name: string, ...inHand: string[]) {
    this.name = name
    this.inHand = new Set(inHand)
    this.whenFrozen = () => this.inHand
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  owns = () => false
  adopt() {}
  async freeze() {
    this.calls.push('freeze')
    this.inHand = new Set(this.whenFrozen())
  }
  thaw = () => void this.calls.push('thaw')
  term = () => this.#leave('term')
  kill = () => this.#leave('kill')

  #leave(call: string): void {
    this.calls.push(call)
    this.isRunning = false
    this.isLeaving = true
    this.#end(ENDED)
  }
}

interface Scene extends Partial<StrikerOptions> {
  readonly strike: Strike
  readonly workers: PuppetWorker[]
}

function scene(t: TestContext, { strike, workers, ...overrides }: Scene) {
  const ending = new AbortController()
  t.after(() => ending.abort())
  const events: RunEvent[] = []
  const said: string[] = []
  const fleet: StrikerOptions['fleet'] = {
    get live() {
      return workers.filter(({ isRunning }) => isRunning)
    },
    hire() {
      const worker = new PuppetWorker(`worker-${workers.length + 1}`)
      workers.push(worker)
      return worker
    },
    leave: ({ ended }) => ended,
  }
  const striker = new Striker({
    strikes: [{ strike, after: 0 }],
    fleet,
    tail: { read: async () => {}, isDone: () => true },
    events: { write: (event) => void events.push(event) },
    say: (sentence) => void said.push(sentence),
    share: () => 1,
    isIdle: () => true,
    isOver: () => false,
    random: () => 0,
    restart: async () => {},
    losses: () => 0,
    cut: () => 0,
    signal: ending.signal,
    ...overrides,
  })
  return { striker, events, said, workers }
}

for (const [strike, calls] of [
  ['kill', ['freeze', 'kill']],
  ['term', ['freeze', 'term', 'thaw']],
] as const) {
  test(`a ${strike} strikes a worker that was stopped with work in hand, and hires a successor`, async (t) => {
    const idle = new PuppetWorker('worker-1')
    const busy = new PuppetWorker('worker-2', 'a', 'b')
    const { striker, events, said, workers } = scene(t, { strike, workers: [idle, busy] })
    await striker.run()
    assert.deepEqual([idle.calls, busy.calls], [[], calls])
    assert.deepEqual(events, [{ event: 'strike', strike, worker: 'worker-2', hit: 2 }])
    assert.deepEqual([striker.hits[strike], striker.voids, workers.length], [1, 0, 3])
    assert.match(said[0]!, /to worker-2 with 2 jobs in flight; worker-3 takes its place/)
  })

  test(`a ${strike} that finds nothing in hand does nothing, counts as void, and is tried again`, async (t) => {
    const worker = new PuppetWorker('worker-1', 'a')
    let looks = 0
    // Twice it has just finished what the ledger still showed.
    worker.whenFrozen = () => (++looks <= 2 ? [] : ['b'])
    const { striker, events, said } = scene(t, { strike, workers: [worker], random: () => 0 })
    const refill = setInterval(() => {
      worker.inHand = new Set(['a'])
    }, 5)
    t.after(() => clearInterval(refill))
    await striker.run()
    assert.deepEqual(worker.calls.slice(0, 4), ['freeze', 'thaw', 'freeze', 'thaw'])
    assert.deepEqual(
      events.map((event) => event.event === 'strike' && event.hit),
      [0, 0, 1],
    )
    assert.deepEqual([striker.hits[strike], striker.voids], [1, 2])
    assert.match(said[0]!, /^void: worker-1 had nothing in flight/)
  })
}

test('without any work in flight no strike is made, and none counts when the run is over', async (t) => {
  let looks = 0
  const idle = new PuppetWorker('worker-1')
  const { striker, events } = scene(t, { strike: 'kill', workers: [idle], isOver: () => ++looks > 3 })
  await striker.run()
  assert.deepEqual([idle.calls, events, striker.hits.kill, striker.voids], [[], [], 0, 0])
})

test('connections are cut while every worker stands still with work in hand', async (t) => {
  const workers = [new PuppetWorker('worker-1', 'a'), new PuppetWorker('worker-2', 'b', 'c')]
  const cut = () => {
    assert.ok(workers.every(({ calls }) => calls.join() === 'freeze'))
    return 4
  }
  const { striker, events, said } = scene(t, { strike: 'cut', workers, cut })
  await striker.run()
  assert.deepEqual(events, [{ event: 'strike', strike: 'cut', hit: 3 }])
  assert.deepEqual(said, ['cut 4 connections with 3 jobs in flight'])
  assert.ok(workers.every(({ calls }) => calls.join() === 'freeze,thaw'))
})

test('a cut that finds no connection is void', async (t) => {
  let connections = 0
  const workers = [new PuppetWorker('worker-1', 'a')]
  const { striker } = scene(t, { strike: 'cut', workers, cut: () => connections++ })
  await striker.run()
  assert.deepEqual([striker.hits.cut, striker.voids], [1, 1])
})

test('a restart hits what is in flight when the broker hangs up, not what was when it was asked to', async (t) => {
  const worker = new PuppetWorker('worker-1', 'early')
  const done = new Set<string>()
  let losses = 0
  const restart = async () => {
    done.add('early')
    worker.inHand = new Set(['late', 'later'])
    await new Promise((resolve) => setTimeout(resolve, 60))
    losses = 1
    await new Promise((resolve) => setTimeout(resolve, 60))
    done.add('late').add('later')
  }
  const tail = { read: async () => {}, isDone: (id: string) => done.has(id) }
  const { striker, events } = scene(t, { strike: 'restart', workers: [worker], restart, losses: () => losses, tail })
  await striker.run()
  const [event] = events as [RunEvent & { tookMs: number }]
  assert.deepEqual({ ...event, tookMs: 0 }, { event: 'strike', strike: 'restart', hit: 2, tookMs: 0 })
  assert.ok(event.tookMs > 0)
})

test('a broker that can not be restarted ends the run, with the reason', async (t) => {
  const workers = [new PuppetWorker('worker-1', 'a')]
  const restart = () => Promise.reject(new Error('no such service'))
  const { striker } = scene(t, { strike: 'restart', workers, restart })
  await assert.rejects(striker.run(), /the broker could not be restarted: no such service/)
})

test('the next strike waits for the jobs that the last one hit', async (t) => {
  const order: string[] = []
  const done = new Set<string>()
  const workers = [new PuppetWorker('worker-1', 'a'), new PuppetWorker('worker-2', 'a')]
  const strikes = [
    { strike: 'kill', after: 0 },
    { strike: 'kill', after: 0 },
  ] as const
  const tail = { read: async () => {}, isDone: (id: string) => done.has(id) }
  const say = (sentence: string) => {
    order.push(done.has('a') ? 'after' : 'before')
    assert.match(sentence, /SIGKILL/)
  }
  const { striker } = scene(t, { strike: 'kill', workers, strikes, tail, say, isIdle: () => false, isOver: () => true })
  setTimeout(() => done.add('a'), 80)
  await striker.run()
  assert.deepEqual(order, ['before', 'after'])
  assert.equal(striker.hits.kill, 2)
})

test('jobs that nobody has, while the broker has nothing to deliver, are not waited for', async (t) => {
  const workers = [new PuppetWorker('worker-1', 'lost'), new PuppetWorker('worker-2', 'other')]
  const strikes = [
    { strike: 'kill', after: 0 },
    { strike: 'kill', after: 0 },
  ] as const
  const tail = { read: async () => {}, isDone: (id: string) => id !== 'lost' }
  const { striker } = scene(t, { strike: 'kill', workers, strikes, tail })
  await striker.run()
  assert.equal(striker.hits.kill, 2)
})
