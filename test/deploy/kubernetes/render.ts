import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parse, stringify } from 'yaml'
import { type Manifest, parseManifests } from './manifest.ts'
import { tool } from './tools.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

/** What somebody would send to a cluster. */
export interface Render {
  readonly name: string
  readonly manifests: readonly Manifest[]
}

interface Kustomization {
  readonly resources?: readonly string[]
  readonly components?: readonly string[]
  readonly [field: string]: unknown
}

/** An overlay with other components than it has. */
export interface Composition {
  readonly overlay: string
  /** Added to its own. */
  readonly add?: readonly string[]
  /** Left out of its own. */
  readonly without?: readonly string[]
  /** Literals that are merged into `settings`. */
  readonly settings?: readonly string[]
  /** ConfigMaps that the user brings: a name, and literals. */
  readonly configMaps?: Readonly<Record<string, readonly string[]>>
}

export function overlaysOf(folder: string): string[] {
  return readdirSync(join(folder, 'overlays')).sort()
}

export function componentsOf(folder: string): string[] {
  return readdirSync(join(folder, 'components')).sort()
}

/** An overlay as it stands. */
export async function renderOverlay(folder: string, overlay: string): Promise<Render> {
  const output = await tool('kubectl', ['kustomize', join(folder, 'overlays', overlay)])
  return { name: overlay, manifests: parseManifests(output) }
}

/** An overlay inside another kustomization, which gives every name a prefix and a suffix, as teams do that share a cluster. */
export async function renderPrefixed(folder: string, overlay: string): Promise<Render> {
  const outer = { namespace: 'team-a', namePrefix: 'team-a-', nameSuffix: '-blue' }
  return renderTemporary(`${overlay} under a prefix`, (home) => ({
    ...outer,
    resources: [relative(home, join(folder, 'overlays', overlay))],
  }))
}

/** An overlay with other components, as a user would change its kustomization. */
export async function renderComposition(folder: string, composition: Composition): Promise<Render> {
  const { overlay, add = [], without = [], settings = [], configMaps = {} } = composition
  const from = join(folder, 'overlays', overlay)
  const given: Kustomization = parse(readFileSync(join(from, 'kustomization.yaml'), 'utf8'))
  const kept = (given.components ?? []).filter((path) => !without.some((name) => path.endsWith(`/${name}`)))
  const components = [...kept, ...add.map((name) => join('..', '..', 'components', name))]
  const changes = [...add.map((name) => `+ ${name}`), ...without.map((name) => `- ${name}`)]
  return renderTemporary([overlay, ...changes].join(' '), (home) => {
    const moved = (path: string) => relative(home, resolve(from, path))
    const [first, ...others] = components.map(moved)
    const own = { name: 'settings', behavior: 'merge', literals: settings }
    const users = Object.entries(configMaps).map(([name, literals]) => ({ name, literals }))
    mkdirSync(join(home, 'users'))
    const component = { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' }
    writeKustomization(join(home, 'users'), { ...component, configMapGenerator: [own, ...users] })
    // As in an overlay's own `settings`: the components that come after it read it.
    return { ...given, resources: (given.resources ?? []).map(moved), components: [first!, 'users', ...others] }
  })
}

/** The chart with files of values. */
export async function renderChart(chart: string, release: string, values: readonly string[] = []): Promise<Render> {
  const files = values.flatMap((file) => ['--values', file])
  const args = ['template', release, chart, '--namespace', 'jobs', '--kube-version', '1.35', ...files]
  const name = ['chart', ...values.map((file) => relative(chart, file))].join(' ')
  return { name, manifests: parseManifests(await tool('helm', args)) }
}

async function renderTemporary(name: string, kustomization: (home: string) => Kustomization): Promise<Render> {
  mkdirSync(join(ROOT, '.tidemill'), { recursive: true })
  const home = mkdtempSync(join(ROOT, '.tidemill', 'kustomize-'))
  try {
    writeKustomization(home, kustomization(home))
    return { name, manifests: parseManifests(await tool('kubectl', ['kustomize', home])) }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

function writeKustomization(folder: string, content: object): void {
  writeFileSync(join(folder, 'kustomization.yaml'), stringify(content))
}
