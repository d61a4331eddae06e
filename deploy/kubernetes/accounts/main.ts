// `npm run -s accounts`: see --help.
import { readCall } from '../../../.ci/script.ts'
import { messageOf } from '../../../worker/errors.ts'
import { isKafkaUrl } from '../../../worker/settings-kafka.ts'
import { kafkaScript } from './kafka.ts'
import { rabbitmqDefinitions } from './rabbitmq.ts'
import { readSettingsFolder } from './settings-folder.ts'

const folder = readCall(
  {
    name: 'accounts',
    usage: 'FOLDER',
    help: `The accounts of one queue at its broker; FOLDER is an overlay's settings. Fills the empty files of passwords in it and prints
what makes the accounts: a definitions file for RabbitMQ, a shell script for Kafka.

Exit codes: 0 they were printed, 2 they could not be.`,
    flags: {},
    arguments: { min: 1, max: 1 },
  },
  (call) => call.positionals[0]!,
)
try {
  const settings = readSettingsFolder(folder)
  process.stdout.write(isKafkaUrl(settings.brokerUrl) ? kafkaScript(settings) : rabbitmqDefinitions(settings))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 2
}
