/** What a broker needs to know. Each field is a setting of `config.ts`, described there. */
export interface BrokerSettings {
  readonly brokerUrl: string
  readonly brokerUsername: string | undefined
  readonly brokerPassword: string | undefined
  readonly managementUrl: string | undefined
  readonly tlsCaFile: string | undefined
  readonly tlsCertFile: string | undefined
  readonly tlsKeyFile: string | undefined
  readonly queue: string
  readonly concurrency: number
  readonly readAhead: number
  readonly retryLadderMs: readonly number[]
  readonly defaultType: string | undefined
  readonly typeHeader: string
  readonly crashLimit: number
  readonly deliveryLimit: number
  readonly deadMaxLength: number | undefined
  readonly connectTimeoutMs: number
  readonly heartbeatMs: number
  readonly confirmTimeoutMs: number
  readonly blockedTimeoutMs: number
  readonly settlePauseMs: number
  readonly closeTimeoutMs: number
  readonly suspectsPollMs: number
  readonly consumerTimeoutMs: number
  readonly consumerGroup: string | undefined
  readonly order: 'key' | 'partition' | 'none'
  readonly offsetReset: 'earliest' | 'latest'
  readonly saslMechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly handOverMs: number
  readonly commitCount: number
  readonly commitIntervalMs: number
  readonly maxSpan: number
  readonly fetchBytes: number
  readonly metadataMaxAgeMs: number
  readonly topicPartitions: number
  readonly replicationFactor: number | undefined
}
