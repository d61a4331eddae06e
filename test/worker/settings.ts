import assert from 'node:assert/strict'
import { loadSettings, type Sources } from '../../worker/config.ts'
import { defineJob, defineWorker, type WorkerDefinition } from '../../worker/define.ts'
import { ConfigError } from '../../worker/errors.ts'

const GOOD = { TIDEMILL_BROKER_URL: 'amqp://localhost', TIDEMILL_QUEUE: 'orders' }

/** What an environment makes of the settings, where broker and queue are given; no file can be read. */
export function load(env: Record<string, string>, more: Partial<Sources> = {}) {
  const readFile = (path: string): string => {
    throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: 'ENOENT' })
  }
  return loadSettings({ env: { ...GOOD, ...env }, readFile, ...more })
}

/** What is wrong with them. */
export function faultsOf(env: Record<string, string>, more: Partial<Sources> = {}): readonly string[] {
  try {
    load(env, more)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.faults
  }
  return []
}

/** A worker of one job. */
export function worker(settings: Partial<WorkerDefinition> = {}, job: object = {}): WorkerDefinition {
  return defineWorker({ queue: 'orders', jobs: [defineJob({ type: 'a', handler() {}, ...job })], ...settings })
}
