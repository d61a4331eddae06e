import { join } from 'node:path'
import { messageOf } from '../../../worker/errors.ts'
import {
  type Composition,
  overlaysOf,
  type Render,
  renderChart,
  renderComposition,
  renderOverlay,
  renderPrefixed,
} from './render.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

export const KUBERNETES = join(ROOT, 'deploy', 'kubernetes')

const BROKER_CA = { 'broker-ca': ['ca.crt='] }

/** A way to scale that has no overlay of its own, or an overlay with all that can stand beside it. */
const COMPOSITIONS: readonly Composition[] = [
  { overlay: 'rabbitmq', add: ['monitoring', 'networkpolicy'] },
  { overlay: 'rabbitmq', without: ['keda-rabbitmq'], add: ['keda-scaledjob'] },
  { overlay: 'rabbitmq', without: ['keda-rabbitmq'], add: ['keda-scaledjob', 'monitoring', 'networkpolicy'] },
  { overlay: 'rabbitmq', without: ['keda-rabbitmq'], add: ['hpa-resource'] },
  { overlay: 'kafka', add: ['monitoring', 'networkpolicy-kafka'] },
  { overlay: 'hpa-only', add: ['hpa-to-zero', 'networkpolicy'] },
  {
    overlay: 'rabbitmq',
    without: ['keda-rabbitmq'],
    add: ['keda-scaledjob', 'monitoring', 'broker-tls'],
    settings: ['TIDEMILL_BROKER_URL=amqps://mq', 'TIDEMILL_MANAGEMENT_URL=https://mq:15671/'],
    configMaps: BROKER_CA,
  },
  {
    overlay: 'kafka',
    add: ['broker-tls'],
    settings: ['TIDEMILL_BROKER_URL=kafkas://k1:9093,k2:9093'],
    configMaps: BROKER_CA,
  },
]

/** Files of values for the chart, and the render of kustomize that they equal. */
const CHARTS: readonly { readonly values: readonly string[]; readonly equals?: Composition }[] = [
  { values: [] },
  { values: ['ci/rabbitmq-values.yaml'], equals: { overlay: 'rabbitmq', add: ['monitoring', 'networkpolicy'] } },
  { values: ['values-kafka.yaml', 'ci/kafka-values.yaml'], equals: { overlay: 'kafka' } },
  { values: ['ci/hpa-values.yaml'], equals: { overlay: 'hpa-only' } },
  { values: ['ci/hpa-resource-values.yaml'], equals: COMPOSITIONS[3]! },
  { values: ['ci/scaled-job-values.yaml'], equals: COMPOSITIONS[1]! },
  { values: ['ci/all-values.yaml'] },
]

export interface Case {
  readonly render: Render
  /** What it has to deploy the same as. */
  readonly equals?: Render
  /** Why it could not be rendered; it has no manifests then. */
  readonly failure?: string
}

/** Everything that somebody would apply: each overlay as it stands and under a prefix, compositions, and the chart. */
export async function renderCases(folder = KUBERNETES): Promise<Case[]> {
  const cases: Case[] = []
  for (const overlay of overlaysOf(folder)) {
    cases.push(await attempt(overlay, async () => ({ render: await renderOverlay(folder, overlay) })))
    const prefixed = async () => ({ render: await renderPrefixed(folder, overlay) })
    cases.push(await attempt(`${overlay} under a prefix`, prefixed))
  }
  for (const composition of COMPOSITIONS) {
    const composed = async () => ({ render: await renderComposition(folder, composition) })
    cases.push(await attempt(`a composition of ${composition.overlay}`, composed))
  }
  const chart = join(folder, 'helm', 'tidemill')
  for (const { values, equals } of CHARTS) {
    const made = async () => {
      const files = values.map((file) => join(chart, file))
      const render = await renderChart(chart, 'orders', files)
      return equals === undefined ? { render } : { render, equals: await renderComposition(folder, equals) }
    }
    cases.push(await attempt(['chart', ...values].join(' '), made))
  }
  return cases
}

async function attempt(name: string, make: () => Promise<Case>): Promise<Case> {
  try {
    return await make()
  } catch (error) {
    return { render: { name, manifests: [] }, failure: messageOf(error) }
  }
}

/** The components that no case renders. */
export function unrendered(components: readonly string[], cases: readonly Case[]): string[] {
  const names = cases.map(({ render }) => render.name).join(' ')
  const ofOverlays = ['keda-rabbitmq', 'keda-kafka', 'hpa-external', 'monitoring']
  return components.filter((component) => !names.includes(` ${component}`) && !ofOverlays.includes(component))
}
