import { join } from 'node:path'
import type { Engine } from './engine.ts'
import type { Images } from './stand-ins.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
/** The order in which each needs those before. With a name, a stage is kept for the next build. */
const TARGETS = ['build', 'warm', 'base', 'examples'] as const

/** The project's own image, by its targets. */
export interface TidemillImages {
  readonly base: string
  readonly examples: string
  /** What all of it stands on. */
  readonly node: string
  readonly runtime: string
}

/** Builds the project's Dockerfile from this working copy; fast where nothing changed. */
export async function buildTidemill(engine: Engine, images: Images): Promise<TidemillImages> {
  const [node, runtime] = [await images.get('node'), await images.get('runtime')]
  const args = ['--build-arg', `NODE_IMAGE=${node}`, '--build-arg', `RUNTIME_IMAGE=${runtime}`]
  const file = join(ROOT, 'deploy', 'docker', 'Dockerfile')
  for (const target of TARGETS) {
    await engine.build(`tidemill-test/${target}`, ROOT, ['--file', file, '--target', target, ...args])
  }
  return { base: 'tidemill-test/base', examples: 'tidemill-test/examples', node, runtime }
}
