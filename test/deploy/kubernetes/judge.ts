import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Case, KUBERNETES, renderCases } from './cases.ts'
import { chartFaults, generatedFaults, imageFaults } from './drift.ts'
import { inspect } from './inspect.ts'
import type { Fault } from './manifest.ts'

/** What is wrong with everything that somebody would apply. */
export interface Judgement {
  readonly ok: boolean
  /** Renders of kustomize: overlays, overlays under a prefix, compositions. */
  readonly overlays: number
  /** Renders of the chart, each with other values. */
  readonly charts: number
  readonly schemaErrors: number
  readonly danglingRefs: number
  readonly policyFaults: number
  readonly drift: number
  readonly faults: readonly Fault[]
}

export async function judge(folder = KUBERNETES): Promise<Judgement> {
  const cases = await renderCases(folder)
  const version = packageVersion()
  const faults = [...cases.flatMap((one) => faultsOf(folder, one)), ...generatedFaults(folder, version)]
  for (const { render } of cases) if (isPlainOverlay(render.name)) faults.push(...imageFaults(render, version))
  const count = (kind: Fault['kind']) => faults.filter((fault) => fault.kind === kind).length
  const charts = cases.filter(({ render }) => render.name.startsWith('chart')).length
  return {
    ok: faults.length === 0,
    overlays: cases.length - charts,
    charts,
    schemaErrors: count('schema'),
    danglingRefs: count('reference'),
    policyFaults: count('policy'),
    drift: count('drift'),
    faults,
  }
}

export function faultsOf(folder: string, { render, equals, failure }: Case): Fault[] {
  if (failure !== undefined)
    return [{ kind: 'schema', where: render.name, message: `it can't be rendered: ${failure}` }]
  return [...inspect(folder, render), ...(equals === undefined ? [] : chartFaults(render, equals))]
}

export function packageVersion(): string {
  return JSON.parse(readFileSync(join(KUBERNETES, '..', '..', 'package.json'), 'utf8')).version
}

function isPlainOverlay(name: string): boolean {
  return /^[a-z-]+$/.test(name) && name !== 'chart'
}
