import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Change, Mutant } from './mutants.ts'

const PARTS = ['bin', 'worker', 'scalers', 'deploy', 'test', 'package.json', 'tsconfig.json', 'README.md']

/** A copy of the sources, in which something may be broken. */
export class Tree {
  readonly folder: string

  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'mutant-'))
    for (const part of PARTS) {
      if (existsSync(join(root, part))) cpSync(join(root, part), join(this.folder, part), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'))
  }

  /** @throws Error when the place to change is not there exactly once: the mutant has to be written anew */
  apply(mutant: Mutant): void {
    this.#change(mutant.name, mutant)
    if (mutant.and !== undefined) this.#change(mutant.name, mutant.and)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #change(name: string, { file, find, replace }: Change): void {
    const path = join(this.folder, file)
    const source = readFileSync(path, 'utf8')
    const places = source.split(find).length - 1
    if (places !== 1)
      throw new Error(`${name}: expected one place in ${file} that reads ${JSON.stringify(find)}, got ${places}`)
    writeFileSync(
      path,
      source.replace(find, () => replace),
    )
  }
}
