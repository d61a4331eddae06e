import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isWorkerDefinition, type WorkerDefinition } from '../worker/define.ts'
import { messageOf, TidemillError } from '../worker/errors.ts'

/**
 * The default export of a user's worker file (`.ts`, `.mjs`, `.js`), made by `defineWorker`.
 * @throws TidemillError `USAGE` or `DEFINITION` saying what is wrong with the file
 */
export async function loadWorkerFile(path: string): Promise<WorkerDefinition> {
  const file = resolve(path)
  if (!existsSync(file)) throw new TidemillError('USAGE', `expected a worker file, got ${path}: there is no such file`)
  if (statSync(file).isDirectory()) throw new TidemillError('USAGE', `expected a worker file, got ${path}: a folder`)
  const exported = await load(file, path)
  const value = exported['default']
  const definition = [value, (value as { default?: unknown } | undefined)?.default].find(isWorkerDefinition)
  if (definition !== undefined) return definition
  throw new TidemillError(
    'DEFINITION',
    `${path}: expected 'export default defineWorker({ ... })', got ${found(exported)}`,
  )
}

async function load(file: string, path: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (error instanceof TidemillError) throw error
    const { code } = error as { code?: unknown }
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      const expected = 'a .js or .mjs file, or a .ts file on Node 22.18 or later'
      throw new TidemillError('USAGE', `expected ${expected}, got ${path} on Node ${process.version}`, { cause: error })
    }
    throw new TidemillError('DEFINITION', `${path} can't be loaded: ${messageOf(error)}`, { cause: error })
  }
}

function found(exported: Record<string, unknown>): string {
  if ('default' in exported) return 'a default export that defineWorker did not make'
  const names = Object.keys(exported)
  return names.length === 0 ? 'no export at all' : `no default export, only ${names.slice(0, 5).join(', ')}`
}
