import { dashboard } from '../../../deploy/observability/dashboard/dashboard.ts'

/** The dashboard as it stands in its file, as far as the tests look at it. */
export interface MadeDashboard {
  readonly panels: readonly MadePanel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query?: unknown }[] }
}

interface MadePanel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
}

export function madeDashboard(): MadeDashboard {
  return JSON.parse(JSON.stringify(dashboard()))
}

/** One query of a panel. */
export interface PanelQuery {
  /** The panel's title and the query's letter. */
  readonly title: string
  readonly expression: string
}

/** Every query of every panel. */
export function queriesOf({ panels }: MadeDashboard): PanelQuery[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ refId, expr }) => ({ title: `${title} ${refId}`, expression: expr })),
  )
}
