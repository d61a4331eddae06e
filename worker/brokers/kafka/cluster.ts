import type { Cluster } from 'kafkajs'
import type { Client } from './client.ts'
import { PROTOCOL } from './subscription.ts'

/** kafkajs hands its connections to nobody but to those who share out partitions. */
export function clusterOf(client: Client, groupId: string, metadataMaxAgeMs: number): Cluster {
  let found: Cluster | undefined
  client.consumer({
    groupId,
    metadataMaxAge: metadataMaxAgeMs,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return {
          name: PROTOCOL,
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: PROTOCOL, metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  return found!
}
