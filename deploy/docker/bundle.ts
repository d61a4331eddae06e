// Makes what the image holds: node deploy/docker/bundle.ts OUT. OUT/base goes to /app, OUT/examples on top of it.
import { copyFileSync, cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { COMMONJS } from './commonjs.ts'
import { licensesOf } from './licenses.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** Have native parts: they stay packages. Kafka's lz4 is in every image, the codec of images with the examples only. */
const NATIVE = { base: 'lz4-napi', examples: 'sharp' }

const [out] = process.argv.slice(2)
if (out === undefined) {
  process.stderr.write('expected the folder to write to, got nothing\n')
  process.exit(2)
}
const base = join(out, 'base')
const examples = join(out, 'examples')

const programs = await build({
  ...COMMONJS,
  absWorkingDir: ROOT,
  entryPoints: {
    tidemill: 'deploy/docker/tidemill.ts',
    'probe-thread': 'worker/probe-thread.ts',
    'job-thread': 'worker/threads/job-thread.ts',
    worker: 'node_modules/piscina/dist/worker.js',
  },
  outdir: join(base, 'tidemill'),
  // Piscina can make its threads less important than others by a native package: a thing that is not used.
  external: [...Object.values(NATIVE), '@napi-rs/nice'],
  target: 'node24',
  // Names stay: people read the stacks in a log.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
})
const jobs = await build({
  absWorkingDir: ROOT,
  entryPoints: ['worker/handlers/orders-worker.ts', 'worker/handlers/images-worker.ts'],
  outdir: examples,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: Object.values(NATIVE),
  target: 'node24',
  logLevel: 'warning',
  legalComments: 'none',
  metafile: true,
})

const inputs = [programs, jobs].flatMap(({ metafile }) => Object.keys(metafile.inputs))
writeFileSync(join(base, 'tidemill', 'LICENSES.txt'), `${licensesOf(inputs, ROOT)}\n`)
copyFileSync(join(ROOT, 'LICENSE'), join(base, 'tidemill', 'LICENSE'))
// The one file that Piscina starts, by this name, beside itself; it is CommonJS, as all of this folder.
renameSync(join(base, 'tidemill', 'worker.cjs'), join(base, 'tidemill', 'worker.js'))
writeFileSync(join(base, 'tidemill', 'package.json'), '{ "private": true, "type": "commonjs" }\n')
// Users' files are ES modules, unless their name says otherwise.
writeFileSync(join(base, 'package.json'), '{ "private": true, "type": "module" }\n')
copyPackage(NATIVE.base, base, new Set())
copyPackage(NATIVE.examples, examples, new Set())

/** Copies an installed package with those that it needs. Of its optional packages only those for this platform are installed. */
function copyPackage(name: string, to: string, copied: Set<string>): void {
  const from = join(ROOT, 'node_modules', name)
  if (copied.has(name) || !existsSync(from)) return
  copied.add(name)
  cpSync(from, join(to, 'node_modules', name), { recursive: true })
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) copyPackage(needed, to, copied)
}
