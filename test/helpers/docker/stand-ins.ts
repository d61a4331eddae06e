import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { run } from '../../../deploy/local/command.ts'
import { findKafka } from '../../../deploy/local/kafka-node.ts'
import type { Engine } from './engine.ts'

/** Images that the tests need and did not make, by the name of the folder of their stand-in. */
const IMAGES = {
  node: 'node:24-trixie-slim',
  runtime: 'gcr.io/distroless/nodejs24-debian13:nonroot',
  rabbitmq: 'rabbitmq:4.3-management',
  kafka: 'apache/kafka:4.3.1',
  prometheus: 'prom/prometheus:v3.5.0',
  grafana: 'grafana/grafana:12.1.0',
  compose: undefined,
} as const
export type ImageName = keyof typeof IMAGES

const RECIPES = join(import.meta.dirname, '..', '..', 'deploy', 'stand-ins')
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'
const PULL_TIMEOUT_MS = 180_000
const DEBIAN_TIMEOUT_MS = 600_000
/** `$1` is a folder, `$2` the image's name. Without the syncs, which would keep a package safe from a power cut, packages install faster. */
const DEBIAN = `set -e
debootstrap --variant=minbase trixie "$1/root"
echo force-unsafe-io > "$1/root/etc/dpkg/dpkg.cfg.d/unsafe-io"
tar --directory "$1/root" --create . | docker import - "$2"`

/**
 * Finds images: the real ones where a registry answers, else stand-ins that are made of Debian's packages and this Node, and kept
 * under a name with their recipe's hash.
 */
export class Images {
  readonly #engine: Engine
  readonly #log: (line: string) => void
  readonly #found = new Map<ImageName | 'debian', Promise<string>>()
  #registry: Promise<boolean> | undefined

  constructor(engine: Engine, log: (line: string) => void) {
    this.#engine = engine
    this.#log = log
  }

  /** The name under which the engine has the image. */
  get(name: ImageName): Promise<string> {
    return this.#once(name, () => this.#find(name))
  }

  #once(name: ImageName | 'debian', make: () => Promise<string>): Promise<string> {
    const found = this.#found.get(name) ?? make()
    this.#found.set(name, found)
    return found
  }

  async #find(name: ImageName): Promise<string> {
    const real = IMAGES[name]
    // One try tells whether there is a registry: where there is none, each would only wait again.
    this.#registry ??= this.#pull(IMAGES.runtime)
    if (real !== undefined && (await this.#registry) && (await this.#pull(real))) return real
    return this.#standIn(name)
  }

  async #pull(image: string): Promise<boolean> {
    if ((await this.#engine.run(['image', 'inspect', image])).ok) return true
    return (await this.#engine.run(['pull', '--quiet', image], PULL_TIMEOUT_MS)).ok
  }

  async #standIn(name: ImageName): Promise<string> {
    const recipe = join(RECIPES, name)
    const parents = await this.#parentsOf(readFileSync(join(recipe, 'Dockerfile'), 'utf8'))
    const files = readdirSync(recipe).map((file) => readFileSync(join(recipe, file)))
    const added = await ADDED[name]?.(this.#log)
    const tag = nameOf(name, [...files, ...Object.values(parents), added?.version ?? ''])
    if (await this.#has(tag)) return tag
    this.#log(`building a stand-in of ${IMAGES[name] ?? name}`)
    const folder = mkdtempSync(join(tmpdir(), 'stand-in-'))
    try {
      cpSync(recipe, folder, { recursive: true })
      added?.to(folder)
      const args = Object.entries(parents).flatMap(([key, parent]) => ['--build-arg', `${key}=${parent}`])
      await this.#engine.build(tag, folder, args)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    await this.#forgetOlder(tag)
    return tag
  }

  /** The stand-ins that a recipe is built from. */
  async #parentsOf(dockerfile: string): Promise<Record<string, string>> {
    const parents: Record<string, string> = {}
    for (const [, key] of dockerfile.matchAll(/^ARG (DEBIAN|NODE)$/gm)) {
      parents[key!] = key === 'NODE' ? await this.get('node') : await this.#once('debian', () => this.#debian())
    }
    return parents
  }

  async #debian(): Promise<string> {
    const tag = nameOf('debian', [DEBIAN])
    if (await this.#has(tag)) return tag
    this.#log('debootstrap trixie, for the stand-ins')
    const folder = mkdtempSync(join(tmpdir(), 'debian-'))
    try {
      const options = { timeoutMs: DEBIAN_TIMEOUT_MS, env: this.#engine.env }
      const made = await run('sh', ['-c', DEBIAN, 'sh', folder, tag], options)
      if (!made.ok) throw new Error(`no stand-in of Debian could be made: ${made.fault}`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    return tag
  }

  async #has(tag: string): Promise<boolean> {
    return (await this.#engine.run(['image', 'inspect', tag])).ok
  }

  /** One image of each name is kept, so that the cache does not grow. */
  async #forgetOlder(tag: string): Promise<void> {
    const all = await this.#engine.docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', tag.split(':')[0]!)
    const older = all.split('\n').filter((other) => other !== '' && other !== tag)
    if (older.length > 0) await this.#engine.run(['image', 'rm', ...older])
  }
}

function nameOf(name: string, content: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of content) hash.update(part).update('\0')
  return `tidemill-stand-in/${name}:${hash.digest('hex').slice(0, 12)}`
}

/** What comes from this machine into the folder that a stand-in is built from. */
interface Added {
  /** Another one is another image. */
  readonly version: string
  to(folder: string): void
}

const ADDED: Readonly<Partial<Record<ImageName, (log: (line: string) => void) => Promise<Added>>>> = {
  async node() {
    const npm = npmHome()
    return {
      version: process.version,
      to(folder) {
        cpSync(process.execPath, join(folder, 'node'))
        cpSync(npm, join(folder, 'npm'), { recursive: true, dereference: true })
        const authorities = join(folder, 'authorities.pem')
        if (existsSync(AUTHORITIES)) cpSync(AUTHORITIES, authorities)
        else writeFileSync(authorities, rootCertificates.join('\n'))
      },
    }
  },
  async kafka(log) {
    const found = await findKafka({ install: true, log, env: process.env })
    if ('refused' in found) throw new Error(found.refused)
    const { jars } = found
    return { version: basename(jars), to: (folder) => cpSync(jars, join(folder, 'jars'), { recursive: true }) }
  },
}

/** The npm that runs this, as a package. */
function npmHome(): string {
  const cli = process.env['npm_execpath'] ?? ''
  const home = dirname(dirname(cli))
  if (!existsSync(join(home, 'bin', 'npm-cli.js')))
    throw new Error(`expected to be run by npm, got npm_execpath ${cli}`)
  return home
}
