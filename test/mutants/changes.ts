import type { Change, Mutant } from './mutants.ts'

/** All that a mutant changes, in the order in which it is done. */
export function changesOf(mutant: Mutant): readonly Change[] {
  return mutant.and === undefined ? [mutant] : [mutant, mutant.and]
}

/** Why a change can't be made in its file, of which this is the text; undefined where it can. */
export function faultOf({ file, find }: Change, source: string | undefined): string | undefined {
  if (source === undefined) return `expected the file ${file}, got none`
  const places = source.split(find).length - 1
  return places === 1 ? undefined : `expected one place in ${file} that reads ${JSON.stringify(find)}, got ${places}`
}

const TITLE = /\btest\(\s*(['"`])(.*?)\1,/g

/** The titles of a file's tests; what a template puts into one may be anything. */
function titlesIn(source: string): RegExp[] {
  return [...source.matchAll(TITLE)].map(([, , title = '']) => {
    const fixed = title.split(/\$\{.*?\}/).map(escaped)
    return new RegExp(`^${fixed.join('.*')}$`)
  })
}

/** A pattern for this text and nothing else. */
export function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
}

/**
 * What has to be written anew, a sentence each: mutants that no longer fit the sources, and those whose test is gone.
 * @param read the text of a file; undefined where there is none
 */
export function staleOnes(mutants: readonly Mutant[], read: (file: string) => string | undefined): string[] {
  return mutants.flatMap((mutant) => {
    const { name, test } = mutant
    const faults = changesOf(mutant).map((change) => faultOf(change, read(change.file)))
    const isThere = titlesIn(read(test.file) ?? '').some((title) => title.test(test.name))
    const missing = isThere ? undefined : `expected a test in ${test.file} named ${JSON.stringify(test.name)}, got none`
    return [...faults, missing].flatMap((fault) => (fault === undefined ? [] : [`${name}: ${fault}`]))
  })
}
