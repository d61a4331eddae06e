import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import { type Panel, type Threshold, ThresholdsConfigBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

/** What a dashboard is made of: a panel that knows its size, not yet its place. */
export interface PanelMaker {
  build(): Panel
}

/** The data source that the variable of the dashboard names. */
export const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

/** Grafana's names of units. `n` is a plain number. */
const UNITS = {
  n: 'short',
  jobsPerSecond: 'suffix: jobs/s',
  seconds: 's',
  part: 'percentunit',
  bytes: 'bytes',
  cores: 'suffix: cores',
} as const

interface Spec {
  readonly title: string
  /** What it shows and what to make of it; the text behind the panel's `i`. */
  readonly description: string
  readonly unit: keyof typeof UNITS
  /** Columns of 24. */
  readonly width: number
}

/** One query of a panel: what its series are called (`{{label}}` is replaced), and its PromQL. */
export type Query = readonly [legend: string, expression: string]

export interface StatSpec extends Spec {
  readonly expression: string
  /** What it says where the query gives nothing. */
  readonly none?: string
  /** From these values on it is yellow, red. Without them it has no colour. */
  readonly alarms?: { readonly yellow?: number; readonly red?: number }
}

/** One number, as it is now: of a range, Grafana would show the last value that there was, however old. */
export function stat({ expression, none = '-', alarms, ...spec }: StatSpec): PanelMaker {
  const panel = new StatBuilder()
    .graphMode(BigValueGraphMode.None)
    .colorMode(alarms === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().steps(steps(alarms)))
    .noValue(none)
  return framed(panel, spec, 4).withTarget(query('A', '', expression).instant())
}

export interface GraphSpec extends Spec {
  readonly queries: readonly Query[]
  /** Whether the series are parts of a whole that can be read off at the top. */
  readonly stacked?: boolean
  /** The colours of series, by what they are called. Default: Grafana chooses. */
  readonly colors?: Readonly<Record<string, string>>
  /** Whether what is rare is drawn as bars, one an interval. */
  readonly bars?: boolean
}

/** Lines over time, or bars. */
export function graph({ queries, stacked = false, bars = false, colors = {}, ...spec }: GraphSpec): PanelMaker {
  const panel = new GraphBuilder()
    .min(0)
    .drawStyle(bars ? GraphDrawStyle.Bars : GraphDrawStyle.Line)
    .lineWidth(bars ? 0 : 1)
    .fillOpacity(bars ? 80 : stacked ? 30 : 10)
    .showPoints(VisibilityMode.Auto)
    .stacking(new StackingConfigBuilder().mode(stacked ? StackingMode.Normal : StackingMode.None))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
  for (const [name, fixedColor] of Object.entries(colors)) {
    panel.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor } }])
  }
  for (const [index, [legend, expression]] of queries.entries()) {
    panel.withTarget(query(String.fromCharCode(65 + index), legend, expression).range())
  }
  return framed(panel, spec, 8)
}

export interface TableSpec extends Spec {
  readonly expression: string
  /** The labels to show, in order, with their headings. */
  readonly columns: Readonly<Record<string, string>>
  /** The heading of the value; without one it is not shown. */
  readonly value?: string
}

/** What is so now, one line a series, the largest value first. */
export function table({ expression, columns, value, ...spec }: TableSpec): PanelMaker {
  const shown = [...Object.keys(columns), ...(value === undefined ? [] : ['Value'])]
  const panel = new TableBuilder()
    .withTransformation({ id: 'filterFieldsByName', options: { include: { names: shown } } })
    .withTransformation({
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(shown.map((name, index) => [name, index])),
        renameByName: { ...columns, ...(value !== undefined && { Value: value }) },
      },
    })
  const target = query('A', '', `sort_desc(${expression})`).instant().format(PromQueryFormat.Table)
  return framed(panel, spec, 8).withTarget(target)
}

/** How a histogram moves over time. */
export function heatmap({ expression, ...spec }: Spec & { readonly expression: string }): PanelMaker {
  const panel = new HeatmapBuilder()
    .calculate(false)
    .showValue(VisibilityMode.Never)
    .yAxis(new YAxisConfigBuilder().unit(UNITS[spec.unit]))
  const target = query('A', '{{le}}', expression).range().format(PromQueryFormat.Heatmap)
  return framed(panel, spec, 8).withTarget(target)
}

type AnyBuilder = StatBuilder | GraphBuilder | TableBuilder | HeatmapBuilder

function framed<Builder extends AnyBuilder>(panel: Builder, spec: Spec, height: number): Builder {
  const { title, description, unit, width } = spec
  panel.title(title).description(description).datasource(DATASOURCE).unit(UNITS[unit]).span(width).height(height)
  return panel
}

function query(refId: string, legend: string, expression: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).refId(refId).expr(expression).legendFormat(legend)
}

function steps(alarms: StatSpec['alarms']): Threshold[] {
  const { yellow, red } = alarms ?? {}
  return [
    { value: null, color: 'green' },
    ...(yellow === undefined ? [] : [{ value: yellow, color: 'yellow' }]),
    ...(red === undefined ? [] : [{ value: red, color: 'red' }]),
  ]
}
