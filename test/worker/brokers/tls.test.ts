import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { tlsOf } from '../../../worker/brokers/tls.ts'
import { SETTINGS } from '../../conformance/harness.ts'

test('TLS files are read anew at each call, and one that is not there is an error', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemill-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const tlsCaFile = join(folder, 'ca.pem')
  const settings = { ...SETTINGS, brokerUrl: '', queue: 'jobs', tlsCaFile }
  assert.throws(() => tlsOf(settings), /ENOENT/)
  writeFileSync(tlsCaFile, 'first')
  assert.deepEqual(tlsOf(settings), { ca: Buffer.from('first') })
  writeFileSync(tlsCaFile, 'second')
  assert.deepEqual(tlsOf(settings), { ca: Buffer.from('second') })
  assert.deepEqual(tlsOf({ ...settings, tlsCaFile: undefined }), {})
})
