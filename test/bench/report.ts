import type { DuelResult } from './duel.ts'
import type { BoutResult } from './kafka/tournament.ts'
import type { StartResult } from './start.ts'
import { type Spread, show } from './statistics.ts'

/** The duels as a table: each ratio beside its aim, then the absolute figures. */
export function duelTable(duels: readonly DuelResult[]): string {
  const rows = [['tidemill against the loop', 'throughput x', 'aim', 'CPU x', 'aim', 'peak memory x']]
  for (const { scenario, ratios, aim } of duels) {
    rows.push([
      scenario,
      show(ratios.throughput, 2),
      aim ? `>= ${aim.throughput}` : '',
      show(ratios.cpu, 2),
      aim ? `<= ${aim.cpu}` : '',
      show(ratios.peakMemory, 2),
    ])
  }
  const figures = [['absolute, median (min-max)', 'jobs/s', 'CPU ms / 1,000 jobs', 'peak MB']]
  for (const result of duels) {
    for (const contestant of ['tidemill', 'loop'] as const) {
      const { jobsPerSecond, cpuMsPer1000, peakMb } = result[contestant]
      figures.push([
        `${result.scenario}: ${contestant}`,
        show(jobsPerSecond, 0),
        show(cpuMsPer1000, 1),
        show(peakMb, 0),
      ])
    }
  }
  return `${table(rows)}\n\n${table(figures)}`
}

/** The bouts as a table: each contestant's ratios to the reference, beside tidemill's aims, and its figures. */
export function boutTable(bouts: readonly BoutResult[]): string {
  return bouts
    .map(({ bout, reference, aim, standings }) => {
      const head = [
        bout,
        `throughput x ${reference}`,
        'CPU x',
        'peak memory x',
        'jobs/s',
        'CPU ms / 1,000 jobs',
        'peak MB',
      ]
      const rows = standings.map(({ name, ratios, jobsPerSecond, cpuMsPer1000, peakMb }) => [
        name,
        show(ratios.throughput, 2),
        show(ratios.cpu, 2),
        show(ratios.peakMemory, 2),
        show(jobsPerSecond, 0),
        show(cpuMsPer1000, 2),
        show(peakMb, 0),
      ])
      return table([head, ...rows, ['aim of tidemill', `>= ${aim.throughput}`, `<= ${aim.cpu}`, '< 1', '', '', '']])
    })
    .join('\n\n')
}

/** What a worker on Kafka holds at rest, as a table. */
export function idleTable(idle: { readonly worker: Spread; readonly command: Spread }): string {
  return table([
    ['at rest on Kafka, bundled', 'median (min-max)', 'aim'],
    ['tidemill (worker, metrics), MB', show(idle.worker, 1), '<= 70'],
    ['tidemill (command with probes), MB', show(idle.command, 1), ''],
  ])
}

/** Start and idle memory as a table. */
export function startTable(result: StartResult): string {
  const { bareNodeMs, tidemillMs, tidemillCachedMs, loopMs, ratioToBareNode, idleRssMb } = result
  return table([
    ['start and rest, bundled', 'median (min-max)', 'aim'],
    ['node -e 0, ms', show(bareNodeMs, 0), ''],
    ['tidemill, spawn to first ack, ms', show(tidemillMs, 0), ''],
    ['  x node -e 0', ratioToBareNode.toFixed(2), '<= 2.2'],
    ['tidemill with a compile cache, ms', show(tidemillCachedMs, 0), ''],
    ['loop, spawn to first ack, ms', show(loopMs, 0), ''],
    ['tidemill idle (worker, metrics), MB', show(idleRssMb.worker, 1), '<= 60'],
    ['tidemill idle (command with probes), MB', show(idleRssMb.command, 1), ''],
    ['loop idle, MB', show(idleRssMb.loop, 1), ''],
  ])
}

/** Columns as wide as their widest cell; the first one to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ')
  return rows.map(line).join('\n')
}
