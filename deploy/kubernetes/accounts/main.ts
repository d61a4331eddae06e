// The accounts of one queue at its broker: npm run -s accounts -- FOLDER, where FOLDER is an overlay's settings. Fills the empty
// files of passwords in it and prints what makes the accounts: a definitions file for RabbitMQ, a shell script for Kafka.
import { messageOf } from '../../../worker/errors.ts'
import { isKafkaUrl } from '../../../worker/settings-kafka.ts'
import { kafkaScript } from './kafka.ts'
import { rabbitmqDefinitions } from './rabbitmq.ts'
import { readSettingsFolder } from './settings-folder.ts'

const [folder, ...others] = process.argv.slice(2)
try {
  if (folder === undefined || others.length > 0) throw new Error("expected the folder of an overlay's settings")
  const settings = readSettingsFolder(folder)
  process.stdout.write(isKafkaUrl(settings.brokerUrl) ? kafkaScript(settings) : rabbitmqDefinitions(settings))
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 2
}
