import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { RUNBOOK } from '../runbook.ts'
import { jobs } from './jobs.ts'
import { lifecycle } from './lifecycle.ts'
import { overview } from './overview.ts'
import { DATASOURCE, type PanelMaker } from './panels.ts'
import { saturation } from './saturation.ts'
import { scaling } from './scaling.ts'

const ROWS: Readonly<Record<string, readonly PanelMaker[]>> = {
  Overview: overview,
  Jobs: jobs,
  'Autoscaling and backlog': scaling,
  Saturation: saturation,
  Lifecycle: lifecycle,
}

/** A worker has the one metric, the exporter the other: a queue is found also at zero workers, and without an exporter. */
const ANY = '{__name__=~"tidemill_build_info|tidemill_queue_read_errors_total"'

/** The dashboard as Grafana reads it. */
export function dashboard(): Dashboard {
  const builder = new DashboardBuilder('tidemill')
    .uid('tidemill')
    .description(
      'Queue workers: is the backlog draining, are jobs failing, are workers killed, is the autoscaler blind?',
    )
    .tags(['tidemill', 'queue', 'keda'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .link(
      new DashboardLinkBuilder('Runbook')
        .type(DashboardLinkType.Link)
        .icon('doc')
        .url(RUNBOOK)
        .tooltip('What each alert means and what to do')
        .targetBlank(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(variable('namespace', 'Namespace', `label_values(${ANY}}, namespace)`))
    .withVariable(variable('queue', 'Queue', `label_values(${ANY}, namespace=~"$namespace"}, queue)`))
    .withVariable(
      variable(
        'type',
        'Type',
        'label_values(tidemill_jobs_started_total{namespace=~"$namespace", queue=~"$queue"}, type)',
      ),
    )
  for (const [title, panels] of Object.entries(ROWS)) {
    builder.withRow(new RowBuilder(title))
    for (const panel of panels) builder.withPanel(panel)
  }
  const made = builder.build()
  // Beside the variables, where it is seen, and not in a menu.
  for (const link of made.links ?? []) delete link.placement
  for (const [index, panel] of (made.panels ?? []).entries()) panel.id = index + 1
  return made
}

/** Some or all of a label's values; `.*` for all also finds series without the label. */
function variable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' })
}
