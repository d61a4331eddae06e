#!/usr/bin/env node
import { type CommandTable, main } from './main.ts'
import { SERVICES } from './services.ts'

/** What tries things on this machine; an image is built without it. */
const TOOLS: CommandTable = {
  demo: {
    summary: 'See it at work: a real broker, real workers, a SIGTERM in the middle, every job counted.',
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  load: {
    summary: 'Prove it in your own CI: jobs in, workers killed, every job counted.',
    load: async () => (await import('./commands/load.ts')).load,
  },
}

// A handler that ignores its abort, or a connection that hangs, must not keep the process.
process.exit(await main({ ...SERVICES, ...TOOLS }, process.argv.slice(2)))
