// The README's tables, made from the code that they describe.
import { METRICS, type Metric, QUEUE_METRICS, STALL_METRIC } from '../worker/metrics-table.ts'
import type { Setting } from '../worker/setting.ts'
import { envName, SETTING_NAMES, SETTINGS } from '../worker/settings-table.ts'

/** A table by the name that its markers in the README have. */
export const TABLES: Readonly<Record<string, () => string>> = { settings: settingsTable, metrics: metricsTable }

/** Every setting: variable, default, bounds, sentence. */
export function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { fallback, defaultWords, expected, sentence, secret, required }: Setting<unknown> = SETTINGS[name]
    const variable = `\`${envName(name)}\``
    const value = Array.isArray(fallback) ? fallback.join(',') : fallback
    const initial = defaultWords ?? (required ? 'required' : value === undefined ? '' : `\`${value}\``)
    return [`\`${name}\``, secret === undefined ? variable : `${variable}, \`…_FILE\``, initial, expected, sentence]
  })
  return table(['Setting', 'Variable', 'Default', 'Value', 'Meaning'], rows)
}

/** Every metric: name, type, labels, sentence. */
export function metricsTable(): string {
  const rows = (metrics: readonly Metric[]) =>
    metrics.map(({ name, type, labels, sentence }) => {
      return [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), sentence]
    })
  const head = ['Metric', 'Type', 'Labels', 'Meaning']
  const worker = table(head, rows([...Object.values(METRICS), STALL_METRIC]))
  const exporter = table(head, rows(Object.values(QUEUE_METRICS)))
  return `${worker}\nBeside them the figures of the process and of Node: \`process_*\`, \`nodejs_*\`.\n\nFrom \`tidemill exporter\`:\n\n${exporter}`
}

/** The text with each table between its markers, `<!-- name:begin -->` and `<!-- name:end -->`, as the code has it. */
export function withTables(text: string): string {
  let result = text
  for (const [name, make] of Object.entries(TABLES)) {
    const markers = new RegExp(`(<!-- ${name}:begin -->\n)[\\s\\S]*?(<!-- ${name}:end -->)`)
    result = result.replace(markers, (_match, begin: string, end: string) => `${begin}${make()}${end}`)
  }
  return result
}

/** The names of the tables that the text has no markers for. */
export function missingTables(text: string): string[] {
  return Object.keys(TABLES).filter(
    (name) => !text.includes(`<!-- ${name}:begin -->`) || !text.includes(`<!-- ${name}:end -->`),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('')
}
