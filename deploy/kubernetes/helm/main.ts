// Brings the chart's values.schema.json up to date; part of `npm run generate`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesSchema } from './values-schema.ts'

writeFileSync(
  join(import.meta.dirname, 'tidemill', 'values.schema.json'),
  `${JSON.stringify(valuesSchema(), null, 2)}\n`,
)
