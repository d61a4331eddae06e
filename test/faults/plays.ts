import assert from 'node:assert/strict'
import { waitFor } from '../helpers/wait.ts'
import type { Exit } from '../helpers/worker-process.ts'
import { type Outcome, type Scenario, stop } from './scenario.ts'
import type { Stage } from './stage.ts'
import { mulberry32 } from './trickle.ts'

/** Courses of faults that every broker has to stand. Each asserts what holds on all of them, and returns what is bounded differently. */

/** Kills workers in the midst of their work, one after the other, each replaced by a new one. */
export async function killWorkers(scenario: Scenario<Stage>, kills: number): Promise<Outcome> {
  await scenario.addWorkers(3)
  scenario.trickle.start()
  const random = mulberry32(7)
  const interrupted: string[] = []
  for (let kill = 0; kill < kills; kill += 1) {
    const victims = [...scenario.workers]
    const victim = victims[Math.floor(random() * victims.length)]!
    await scenario.untilBusy(2, victim.pid)
    victim.signal('SIGKILL')
    await victim.exit()
    interrupted.push(...(await scenario.inFlight(victim.pid)))
    await scenario.addWorker()
  }
  const outcome = await scenario.finish()
  const { verdict } = outcome
  assert.ok(interrupted.length >= kills, `void: ${kills} kills hit ${interrupted.length} jobs in flight`)
  assert.ok(verdict.enqueued > 200, `void: only ${verdict.enqueued} jobs`)
  assert.deepEqual(
    interrupted.filter((id) => !verdict.repeated.includes(id)),
    [],
    'each interrupted job was begun again',
  )
  return outcome
}

/** Replaces all workers, twice, as a deploy does. */
export async function rollWorkers(scenario: Scenario<Stage>): Promise<Outcome> {
  await scenario.addWorkers(3)
  scenario.trickle.start()
  let hit = 0
  for (let round = 0; round < 2; round += 1) {
    for (const worker of [...scenario.workers]) {
      await scenario.addWorker()
      hit += (await scenario.untilBusy(2, worker.pid)).size
      assertDrained(await stop(worker))
    }
  }
  const outcome = await scenario.finish()
  assert.ok(hit >= 12, `void: the signals hit ${hit} jobs in flight`)
  assertNothingTwice(outcome)
  return outcome
}

/** Takes the broker away in the midst of the work; `lose` resolves when it is back. Returns how many jobs were in flight. */
export async function loseBroker(
  scenario: Scenario<Stage>,
  lose: () => Promise<void>,
  recoveryMs: number,
): Promise<Outcome & { busy: number; recoveredInMs: number }> {
  const workers = await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(100)
  const { size: busy } = await scenario.untilBusy(5)
  await lose()
  const back = performance.now()
  await scenario.untilDone(1, recoveryMs)
  const recoveredInMs = Math.round(performance.now() - back)
  await scenario.untilDone(100)
  for (const worker of workers) {
    assert.equal(worker.isRunning, true, 'no worker ended for the loss of its broker')
    assert.equal(await worker.status('/livez'), 200)
  }
  return { ...(await scenario.finish()), busy, recoveredInMs }
}

/** What the trickle of `blockRetries` sends. */
export const RETRYING = {
  mood: (_: number, random: () => number) => (random() < 0.3 ? 'once' : 'good'),
} as const

/** Sees to it that no retry can be written for a while, until the workers hold what they have. */
export async function blockRetries(
  scenario: Scenario<Stage>,
  block: () => Promise<void>,
  free: () => Promise<void>,
): Promise<Outcome> {
  const workers = await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(100)
  await block()
  const held = await untilHolding(scenario)
  const answers = await Promise.all(workers.flatMap((worker) => [worker.status('/livez'), worker.status('/readyz')]))
  await free()
  await scenario.untilDone(100)

  const outcome = await scenario.finish()
  const { verdict } = outcome
  assert.ok(held.size >= 3, `void: ${held.size} jobs are held`)
  assert.deepEqual(answers, [200, 200, 200, 200, 200, 200], 'a worker that holds is alive and ready')
  assert.deepEqual([verdict.deadIds, verdict.duplicated], [[], []])
  const again = new Set(verdict.repeated)
  assert.deepEqual([...held.difference(again)], [], 'each held job had its second try')
  return outcome
}

/** The jobs that are held, once no worker begins a job any more although there are some; none when that does not come. */
async function untilHolding(scenario: Scenario<Stage>): Promise<Set<string>> {
  let begun = -1
  const look = async () => {
    const before = begun
    const { started, done } = await scenario.ledger()
    begun = started.length
    return begun === before && scenario.trickle.confirmed.length > done.length + 20 && scenario.inFlight()
  }
  return waitFor('no job is begun', look, { timeoutMs: 8_000, everyMs: 700 }).catch(() => new Set())
}

/** The environment of workers that `abandonJob` is for. */
export const SHORT_DRAIN = { TIDEMILL_DRAIN_TIMEOUT_MS: '2000', TIDEMILL_ABORT_GRACE_MS: '500' }

/** Ends a worker that runs a job of ten minutes among short ones. */
export async function abandonJob(scenario: Scenario<Stage>): Promise<Outcome> {
  const worker = await scenario.addWorker()
  scenario.trickle.start()
  const long = scenario.trickle.send('long')
  const busy = await scenario.untilBusy(5, worker.pid)
  assert.ok(busy.size >= 5)
  await scenario.untilDone(20)
  assert.ok((await scenario.inFlight(worker.pid)).has(long), 'void: the long job does not run')
  const begun = performance.now()
  const { exit, output } = await stop(worker)
  const elapsedMs = performance.now() - begun
  assert.deepEqual(exit, { code: 75, signal: null }, output.slice(-4_000))
  assert.ok(elapsedMs > 1_900 && elapsedMs < 6_000, `it took ${elapsedMs} ms`)
  assert.deepEqual([...(await scenario.inFlight(worker.pid))], [long], 'all others were finished')
  await scenario.addWorkers(2)
  const outcome = await scenario.finish()
  assert.deepEqual([outcome.verdict.repeated, outcome.verdict.duplicated], [[long], []])
  return outcome
}

/** Sends poison among good jobs: 1 in 20 fails for good at once, 1 in 20 at every try. The scenario's trickle has to be `POISONED`. */
export async function sendPoison(scenario: Scenario<Stage>): Promise<Outcome> {
  await scenario.addWorkers(3)
  scenario.trickle.start()
  await scenario.untilDone(500)
  await scenario.trickle.stop()
  const [permanent, failing] = [scenario.trickle.idsOf('permanent'), scenario.trickle.idsOf('failing')]
  assert.ok(permanent.length >= 10 && failing.length >= 10, 'void: too little poison')
  const outcome = await scenario.finish([...permanent, ...failing])
  const { verdict, ledger, dead } = outcome
  assert.deepEqual([...verdict.deadIds].sort(), [...permanent, ...failing].sort())
  assert.deepEqual(verdict.duplicated, [])

  const tries = new Map<string, number>()
  for (const { id } of ledger.started) tries.set(id, (tries.get(id) ?? 0) + 1)
  assert.deepEqual(new Set(permanent.map((id) => tries.get(id))), new Set([1]))
  assert.deepEqual(new Set(failing.map((id) => tries.get(id))), new Set([3]))
  for (const { id, type, body, headers } of dead) {
    const { ms, mood } = JSON.parse(body.toString())
    assert.equal(body.toString(), `{"ms":${ms},"mood":"${mood}"}`)
    assert.equal(mood, scenario.trickle.moods.get(id))
    assert.equal(headers['tidemill-dead-reason'], mood === 'permanent' ? 'permanent' : 'attempts-exhausted')
    assert.match(String(headers['tidemill-dead-error']), mood === 'permanent' ? /no such order/ : /try again/)
    assert.equal(headers['x-made-by'], 'trickle')
    assert.equal(type, 'fault.job')
  }
  return outcome
}

export const POISONED = {
  mood: (_: number, random: () => number) => (random() < 0.05 ? 'permanent' : random() < 0.05 ? 'failing' : 'good'),
} as const

/** Puts one job that kills its process among 59 good ones, and starts again every worker that it kills. */
export async function killByJob(scenario: Scenario<Stage>, timeoutMs: number): Promise<Outcome & { deaths: number }> {
  const jobs = 60
  const { trickle, stage } = scenario
  const killer = Array.from({ length: jobs }, (_, n) => trickle.send(n === 12 ? 'killer' : 'good'))[12]!
  await trickle.stop()
  assert.equal(trickle.confirmed.length, jobs)

  let deaths = 0
  let over = false
  /** What Kubernetes does: whoever ends is started again. */
  const keepAlive = async (): Promise<void> => {
    while (!over) {
      const worker = await scenario.addWorker().catch((error: Error) => {
        // It met the killer before it was seen to be ready.
        if (!/ended before it was ready/.test(error.message)) throw error
        return undefined
      })
      const exit = await worker?.exited
      if (!over) deaths += 1
      if (!over && worker !== undefined) {
        assert.deepEqual(exit, { code: null, signal: 'SIGKILL' }, worker.output.slice(-4_000))
      }
    }
  }
  const keepers = [keepAlive(), keepAlive(), keepAlive()]
  const hit = await scenario.untilBusy(5)
  const distinct = async () => new Set((await scenario.ledger()).done.map(({ id }) => id)).size
  const isSettled = async () => (await distinct()) >= jobs - 1 && (await stage.countDead()) > 0
  try {
    await waitFor('all is settled', isSettled, { timeoutMs, everyMs: 200 })
  } finally {
    over = true
  }
  assert.equal(await distinct(), jobs - 1)
  const outcome = await scenario.finish([killer])
  await Promise.all(keepers)

  const { verdict, dead, ledger } = outcome
  assert.ok(hit.size >= 5 && deaths >= 3, `void: ${deaths} deaths, ${hit.size} neighbours`)
  assert.deepEqual(verdict.deadIds, [killer])
  assert.equal(dead[0]?.headers['tidemill-dead-reason'], 'crash-loop')
  assert.equal(ledger.started.filter(({ id }) => id === killer).length, deaths, 'only the killer kills')
  return { ...outcome, deaths }
}

/** After graceful ends only. */
export function assertNothingTwice({ verdict }: Outcome): void {
  assert.deepEqual(verdict.repeated, [], 'jobs were begun again')
  assert.deepEqual(verdict.duplicated, [])
}

export function assertDrained({ exit, output }: { exit: Exit; output: string }): void {
  assert.deepEqual(exit, { code: 0, signal: null }, output.slice(-4_000))
}
