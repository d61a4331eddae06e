import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const TRIAL = JSON.stringify(join(import.meta.dirname, '..', '..', 'bin', 'trial.ts'))

/** What a trial rejects with that gets a signal in the midst of `wait`. */
async function endedBy(signal: NodeJS.Signals, wait: string): Promise<string> {
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { runTrial } from ${TRIAL}
    const trial = (signal) => {
      process.kill(process.pid, ${JSON.stringify(signal)})
      return ${wait}
    }
    await runTrial({ positionals: [], values: {}, settings: {} }, trial).catch((error) => console.log(error.message))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  return stdout
}

test('a trial that is ended by a signal says by which, also where a wait of Node’s says only that it was aborted', async () => {
  assert.equal(await endedBy('SIGTERM', 'sleep(60_000, undefined, { signal })'), 'ended by SIGTERM\n')
  assert.equal(await endedBy('SIGINT', 'sleep(60_000, undefined, { signal })'), 'ended by SIGINT\n')
})

test('what fails in a trial for another reason is told as it is, also after a signal', async () => {
  const failing = `sleep(60_000, undefined, { signal }).catch(() => { throw new Error('the broker is gone') })`
  assert.equal(await endedBy('SIGTERM', failing), 'the broker is gone\n')
})
