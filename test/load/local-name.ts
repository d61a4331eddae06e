import type { LocalBroker } from '../../deploy/local/contracts.ts'

/** A broker as a title names it. */
export function nameOf({ protocol, kind, version }: LocalBroker): string {
  if (protocol === 'memory') return 'the memory broker'
  const own = "this machine's own, private"
  const where = { debian: own, maven: own, docker: 'in Docker', given: 'given', memory: '' }[kind]
  return `${{ rabbitmq: 'RabbitMQ', kafka: 'Kafka' }[protocol]} ${version} (${where})`.replace('  ', ' ')
}
