import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** One function's own share of a profile. */
export interface Share {
  readonly at: string
  /** Of the time in which the process was not idle. */
  readonly percent: number
}

/** The functions of a `.cpuprofile` by their own time, the heaviest first; idle time does not count. */
export function sharesOf(file: string, root: string): Share[] {
  const profile: CpuProfile = JSON.parse(readFileSync(file, 'utf8'))
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, root)]))
  const times = new Map<string, number>()
  let total = 0
  for (const [index, sample] of profile.samples.entries()) {
    const name = names.get(sample)!
    if (name === '(idle)') continue
    const time = profile.timeDeltas[index]!
    total += time
    times.set(name, (times.get(name) ?? 0) + time)
  }
  const shares = Array.from(times, ([at, time]) => ({ at, percent: (100 * time) / total }))
  return shares.sort((a, b) => b.percent - a.percent)
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame'], root: string): string {
  const name = functionName || '(anonymous)'
  if (url === '') return name
  const file = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url
  return `${name} ${file}:${lineNumber + 1}`
}
