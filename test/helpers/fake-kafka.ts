import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findJava } from '../../deploy/local/java.ts'
import { newClusterId } from '../../deploy/local/kafka-files.ts'
import { jarsFolder } from '../../deploy/local/kafka-jars.ts'

/**
 * What Kafka's image makes of the variables that it is given, as a command: a real Kafka, of the jars that were fetched before.
 * @param variables as in `KAFKA_NODE_ID=1`
 */
export async function fakeKafka(folder: string, name: string, variables: readonly string[]): Promise<string[]> {
  const home = join(folder, name)
  mkdirSync(home)
  const lines = variables.flatMap((variable) => {
    const [, key, value] = /^KAFKA_([A-Z_]+)=(.*)$/.exec(variable) ?? []
    // This one is for the scripts around the broker.
    if (key === undefined || key === 'HEAP_OPTS') return []
    return [`${key.toLowerCase().replaceAll('_', '.')}=${value}`]
  })
  const properties = join(home, 'server.properties')
  writeFileSync(properties, `${[...lines, `log.dirs=${join(home, 'data')}`].join('\n')}\n`)
  const java = (await findJava(17, process.env))!
  const common = [
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    '-Dorg.apache.logging.log4j.level=INFO',
  ]
  const classes = ['-cp', join(jarsFolder(process.env), '*')]
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', newClusterId(), '--config', properties]
  const { status, stderr } = spawnSync(java, [...common, ...classes, ...format], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return [java, ...common, ...classes, 'kafka.Kafka', properties]
}
