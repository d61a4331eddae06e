import { flagName, SETTINGS } from '../worker/settings-table.ts'
import type { Command } from './command.ts'

/** The help of one command, which is called as `program`. */
export function helpOf(program: string, command: Omit<Command, 'run'>): string {
  const rows: [string, string][] = []
  for (const setting of command.shownSettings) {
    const text =
      setting === 'brokerUrl' ? 'rabbitmq, kafka, memory, or a URL without a password.' : SETTINGS[setting].sentence
    rows.push([`--${flagName(setting)} ${setting === 'brokerUrl' ? 'B' : 'V'}`, text])
  }
  for (const [flag, { type, value = 'V', help }] of Object.entries(command.flags)) {
    rows.push([type === 'string' ? `--${flag} ${value}` : `--${flag}`, help])
  }
  const options = rows.length === 0 ? '' : `\nOptions:\n${columns(rows)}`
  const settings =
    command.takesSettings === false
      ? ''
      : '\nEvery setting is a flag and a variable of the environment: tidemill config lists them.\n'
  const [paragraph, ...rest] = command.help.split('\n\n')
  const notes = rest.length === 0 ? '' : `\n${rest.join('\n\n')}\n`
  return `${program} ${command.usage}\n\n${paragraph}\n${options}${settings}${notes}`
}

/** Rows of cells as aligned lines, each indented by two; the last cell of a row has no padding. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  return rows
    .map((row) =>
      `  ${row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index]!))).join('  ')}`.trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}
