// `node .ci/readme-tables.ts --write` brings the README's tables up to date; `--check` says whether they are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingTables, withTables } from './tables.ts'

const [mode] = process.argv.slice(2)
const path = join(import.meta.dirname, '..', 'README.md')

if (mode !== '--write' && mode !== '--check') {
  process.stderr.write(`expected --write or --check, got ${mode ?? 'nothing'}\n`)
  process.exitCode = 2
} else if (!existsSync(path)) {
  process.stderr.write('there is no README.md yet\n')
} else {
  const text = readFileSync(path, 'utf8')
  const made = withTables(text)
  const missing = missingTables(text)
  if (missing.length > 0) {
    process.stderr.write(`README.md has no markers for: ${missing.join(', ')}\n`)
    process.exitCode = 1
  } else if (mode === '--write') {
    if (made !== text) writeFileSync(path, made)
  } else if (made !== text) {
    process.stderr.write('the tables in README.md are not those of the code; run: node .ci/readme-tables.ts --write\n')
    process.exitCode = 1
  }
}
