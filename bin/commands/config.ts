import { showSetting } from '../../worker/config.ts'
import { cautionsOf } from '../../worker/settings-rules.ts'
import { envName, SETTING_NAMES, SETTINGS } from '../../worker/settings-table.ts'
import { type Command, JSON_FLAG } from '../command.ts'
import { columns } from '../help.ts'
import { printJson, settingsOf } from '../setup.ts'

/** `tidemill config [file]` */
export const config: Command = {
  usage: '[file] [options]',
  help: `Shows every setting in force for the worker of <file>, where its value comes from, and the variable that sets it.
A flag goes before the environment, that before the file's defineWorker, that before the default, which may follow from the
container's limits. Secrets are not shown.`,
  flags: { json: JSON_FLAG },
  shownSettings: ['brokerUrl', 'queue'],
  arguments: { min: 0, max: 1 },
  async run(call) {
    const { settings, origins, reasons } = await settingsOf(call, call.positionals[0], {
      optional: ['brokerUrl', 'queue'],
    })
    const cautions = cautionsOf(settings)
    if (call.values['json'] === true) {
      const entries = SETTING_NAMES.map((name) => {
        const hidden = SETTINGS[name].secret !== undefined && settings[name] !== undefined
        const value = hidden
          ? showSetting(name, settings[name])
          : settings[name] || settings[name] === 0
            ? settings[name]
            : null
        const reason = reasons[name]
        return [name, { value, origin: origins[name], ...(reason && { reason }), env: envName(name) }]
      })
      printJson({ ok: true, settings: Object.fromEntries(entries), cautions })
      return 0
    }
    const rows = SETTING_NAMES.map((name) => [
      name,
      showSetting(name, settings[name]) || '-',
      origins[name],
      envName(name),
    ])
    process.stdout.write(columns([['SETTING', 'VALUE', 'FROM', 'VARIABLE'], ...rows]))
    const because = SETTING_NAMES.flatMap((name) => (reasons[name] === undefined ? [] : [[name, reasons[name]]]))
    if (because.length > 0) process.stdout.write(`\n${columns([['SETTING', 'REASON'], ...because])}`)
    for (const caution of cautions) process.stdout.write(`\nCaution: ${caution}.\n`)
    return 0
  },
}
