import { parser } from '@prometheus-io/lezer-promql'

/** What an expression of PromQL is made of, as far as the tests want to know. */
export interface Parsed {
  /** The metrics that it reads, each once; a matcher of `__name__` is taken apart at its bars. */
  readonly metrics: readonly string[]
  /** Those of them that it reads as they are now, not over a range of time. */
  readonly instant: readonly string[]
  /** Where it is no PromQL: the text around each fault. */
  readonly faults: readonly string[]
}

/** Reads an expression. Grafana's variables may stand where a duration or a value does. */
export function parsePromql(expression: string): Parsed {
  const text = expression.replaceAll(/\$__(rate_interval|interval|range)\b/g, '5m')
  const metrics = new Set<string>()
  const instant = new Set<string>()
  const faults: string[] = []
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) faults.push(text.slice(Math.max(0, from - 20), to + 20))
      const selector = node.parent
      if (type.name === 'Identifier' && selector?.type.name === 'VectorSelector') {
        metrics.add(text.slice(from, to))
        if (selector.parent?.type.name !== 'MatrixSelector') instant.add(text.slice(from, to))
      }
      if (type.name !== 'UnquotedLabelMatcher') return
      const [, names] = /^__name__\s*=~?\s*"(.*)"$/.exec(text.slice(from, to)) ?? []
      for (const name of names?.split('|') ?? []) metrics.add(name)
    },
  })
  return { metrics: [...metrics], instant: [...instant], faults }
}
