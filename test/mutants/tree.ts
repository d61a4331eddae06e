import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changesOf, faultOf } from './changes.ts'
import type { Mutant } from './mutants.ts'

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
    for (const change of changesOf(mutant)) {
      const path = join(this.folder, change.file)
      const source = readFileSync(path, 'utf8')
      const fault = faultOf(change, source)
      if (fault !== undefined) throw new Error(`${mutant.name}: ${fault}`)
      writeFileSync(
        path,
        source.replace(change.find, () => change.replace),
      )
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
