import { codeOf, cyclesOf, graphOf, importsOf, packageOf, resolveImport, type Sources } from './imports.ts'

/** The worker's layers, lowest first: a file imports from its own layer or below. The first pattern that fits decides. */
const LAYERS: readonly (readonly [layer: number, pattern: RegExp])[] = [
  [0, /^worker\/(broker-settings|contracts|errors|outcome)\.ts$/],
  [
    1,
    /^worker\/(broker-url|chain|deadline|define|decode|guard|identity|job|lifecycle|one-job|retry|execute|redact|sizing|slots|suggest|timeouts|turns|type-limits)\.ts$/,
  ],
  [1, /^worker\/brokers\/(fifo|inbox|prefix|wire)\.ts$/],
  [2, /^worker\/(cgroup|config|guard|settings?|pool|log|http|probe|tracing|metrics|signals|version)(-[a-z-]+)?\.ts$/],
  [2, /^worker\/brokers\/(waiting|outbox|reconnection|tls)\.ts$/],
  [2, /^worker\/brokers\/[a-z]+\/[a-z-]+\.ts$/],
  [1, /^worker\/threads\/(handler|crossing)\.ts$/],
  [2, /^worker\/threads\/(lines|pool|job-thread)\.ts$/],
  [3, /^worker\/brokers\/index\.ts$/],
  [4, /^worker\/(worker|reporter|producer|run-job)\.ts$/],
  [4, /^worker\/handlers\//],
  [5, /^worker\/((main|index)(-[a-z-]+)?|threads\/index)\.ts$/],
]

/** Who may import which package. A package that is not named here has no room yet. */
const ROOMS: Readonly<Record<string, RegExp>> = {
  amqplib: /^(worker\/brokers\/rabbitmq|deploy\/local|test)\//,
  kafkajs: /^(worker\/brokers\/kafka|deploy\/local|test)\//,
  snappyjs: /^(worker\/brokers\/kafka|test)\//,
  'lz4-napi': /^(worker\/brokers\/kafka|test)\//,
  'prom-client': /^(worker\/metrics(-[a-z-]+)?\.ts$|test\/)/,
  pino: /^(worker\/log\.ts$|test\/)/,
  piscina: /^worker\/threads\/pool\.ts$/,
  'p-limit': /^worker\/pool\.ts$/,
  zod: /^(worker\/(config|settings?)(-[a-z-]+)?\.ts$|worker\/handlers\/|deploy\/kubernetes\/helm\/|test\/|deploy\/docker\/template\/)/,
  sharp: /^(worker\/handlers|test)\//,
  '@standard-schema/spec': /^(worker\/[a-z-]+\.ts$|test\/)/,
  '@grafana/grafana-foundation-sdk': /^deploy\/observability\//,
  '@prometheus-io/lezer-promql': /^test\//,
  // The programs of a user, which the test of the package writes.
  tidemill: /^(test\/package\.test\.ts$|deploy\/docker\/template\/)/,
  valibot: /^test\//,
  'fast-check': /^test\//,
  '@platformatic/kafka': /^test\/bench\//,
  esbuild: /^(deploy\/docker|test)\//,
  ajv: /^test\//,
  fflate: /^test\//,
  yaml: /^(deploy\/(observability|kubernetes)|test)\//,
}

/** Written as a user would write them: files for `tidemill work`. */
const USERS_FILES = /^test\/|^worker\/handlers\/[a-z]+-worker\.ts$|^deploy\/docker\/template\//

/** Uses of the world outside, and who may make them. The pure parts are handed their clock and their chance. */
const WORLD: readonly { readonly what: string; readonly use: RegExp; allowed(file: string): boolean }[] = [
  {
    what: 'reads a clock, chance or the process; a pure part is handed them',
    use: /\bprocess\.|\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bMath\.random\b|\brandom(UUID|Bytes|Int)\b/,
    allowed: (file) => (layerOf(file) ?? 9) > 1,
  },
  {
    what: 'ends the process, listens to its signals or reads its arguments or environment; only the command does',
    use: /\bprocess\.(exit|exitCode|abort|kill|argv|env|on|once|stdin)\b/,
    allowed: (file) =>
      USERS_FILES.test(file) || /^(bin|deploy|\.ci)\/|^worker\/(main|signals)(-[a-z-]+)?\.ts$/.test(file),
  },
]

const MAX_LINES = 300
/** What users import; nothing inside does. It re-exports what users' tests need of the memory broker. */
const ENTRY = 'worker/index.ts'

const layerOf = (file: string): number | undefined => LAYERS.find(([, pattern]) => pattern.test(file))?.[0]
const roomOf = (file: string): string | undefined => /^worker\/brokers\/([a-z]+)\//.exec(file)?.[1]

/** Every breach of the architecture, one sentence each, that names the file. */
export function breachesOf(sources: Sources): string[] {
  const breaches = cyclesOf(graphOf(sources)).map((cycle) => `import cycle: ${cycle.join(' -> ')}`)
  for (const [file, source] of sources) {
    const lines = source.split('\n').length - (source.endsWith('\n') ? 1 : 0)
    if (lines > MAX_LINES) breaches.push(`${file} has ${lines} lines, ${MAX_LINES} is the limit`)
    if (file.startsWith('worker/') && layerOf(file) === undefined) breaches.push(`${file} has no layer: give it one`)
    const code = codeOf(source)
    if (/^export default\b/m.test(code) && !USERS_FILES.test(file)) breaches.push(`${file} has a default export`)
    for (const { what, use, allowed } of WORLD) {
      if (use.test(code) && !allowed(file)) breaches.push(`${file} ${what} (${use.exec(code)![0]})`)
    }
    for (const specifier of importsOf(source)) {
      const breach = specifier.startsWith('.')
        ? breachOfFile(file, resolveImport(file, specifier))
        : breachOfPackage(file, specifier)
      if (breach !== undefined) breaches.push(`${file} imports ${specifier}: ${breach}`)
    }
  }
  return breaches
}

function breachOfPackage(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  // The type tests are programs of a user's, who may use any package.
  if (file.startsWith('test/types/')) return undefined
  const room = ROOMS[packageOf(specifier)]
  if (room === undefined) return 'the package has no room yet'
  return room.test(file) ? undefined : 'the package belongs to another room'
}

function breachOfFile(file: string, target: string): string | undefined {
  if (!target.endsWith('.ts')) return target.endsWith('.json') ? undefined : 'an import names a .ts file'
  const barrel = /^worker\/((handlers|threads)\/)?index\.ts$/.test(target)
  if (barrel && /^(worker|scalers)\//.test(file)) return 'the public entries are not imported from inside'
  if (file.startsWith('worker/')) {
    if (!target.startsWith('worker/')) return 'the worker imports nothing from outside its folder'
    return breachInWorker(file, target)
  }
  if (file.startsWith('scalers/') && target.startsWith('worker/')) {
    const open = /^worker\/(contracts|errors|log|http)\.ts$|^worker\/brokers\/[a-z]+\/backlog\.ts$/
    return open.test(target) ? undefined : 'scalers use contracts, errors, log, http and backlogs of the worker only'
  }
  return undefined
}

function breachInWorker(file: string, target: string): string | undefined {
  const from = roomOf(file)
  const to = roomOf(target)
  if (from !== undefined && to !== undefined && from !== to) return 'one broker does not know another'
  if (from !== undefined && target === 'worker/pool.ts') return 'a broker does not know the pool'
  if (from === undefined && to !== undefined && file !== 'worker/brokers/index.ts' && file !== ENTRY) {
    return 'a broker is chosen in worker/brokers/index.ts only'
  }
  const [low, high] = [layerOf(file), layerOf(target)]
  if (low !== undefined && high !== undefined && high > low) return `layer ${low} does not import layer ${high}`
  return undefined
}
