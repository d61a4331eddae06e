// Builds dist/, which is what ships: Node strips no types below node_modules. Types ship for what users import.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
for (const project of ['bin', 'bin/tsconfig.types.json']) {
  const tsc = spawnSync('tsc', ['-p', project], { stdio: 'inherit' })
  if (tsc.error) throw tsc.error
  if (tsc.status !== 0) process.exit(tsc.status ?? 1)
}
// The compiler leaves out what is no program.
cpSync('deploy/local/kafka-pom.xml', 'dist/deploy/local/kafka-pom.xml')

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const targets: string[] = Object.values(manifest.bin as Record<string, string>)
for (const target of targets) chmodSync(target, 0o755)
for (const entry of Object.values(manifest.exports)) {
  targets.push(...(typeof entry === 'string' ? [entry] : Object.values(entry as Record<string, string>)))
}
const missing = targets.filter((target) => !existsSync(target))
if (missing.length > 0) {
  process.stderr.write(`package.json points to files that the build did not make: ${missing.join(', ')}\n`)
  process.exit(1)
}
