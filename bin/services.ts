import type { CommandTable } from './main.ts'

/** What runs beside a broker, in a container as well as on a laptop. The order is that of the help. */
export const SERVICES: CommandTable = {
  work: {
    summary: 'Run a worker: pull jobs, run them, settle them; drain on SIGTERM.',
    load: async () => (await import('./commands/work.ts')).work,
  },
  topology: {
    summary: 'Set up, check or show what a queue needs on the broker.',
    load: async () => (await import('./commands/topology.ts')).topology,
  },
  enqueue: {
    summary: 'Enqueue one job, or many from a file or a generator.',
    load: async () => (await import('./commands/enqueue.ts')).enqueue,
  },
  exporter: {
    summary: "Serve a queue's backlog as metrics; one replica per queue.",
    load: async () => (await import('./commands/exporter.ts')).exporter,
  },
  config: {
    summary: 'Show every setting in force, and where its value comes from.',
    load: async () => (await import('./commands/config.ts')).config,
  },
}
