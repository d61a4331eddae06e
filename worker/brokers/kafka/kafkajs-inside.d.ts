// The parts of kafkajs 2.2.4 that this room imports by their own paths, which carry no types.
declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  /** What the connection sends. */
  export default function encodeFetch(request: {
    replicaId: number
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[]
  }): object
}
declare module 'kafkajs/src/network/requestQueue/index.js' {
  class RequestQueue {
    constructor(options: object)
    readonly pending: unknown[]
    /** Null while no timer is set. */
    readonly throttleCheckTimeoutId: NodeJS.Timeout | null
    scheduleCheckPendingRequests(): void
    destroy(): void
  }
  export default RequestQueue
}
declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32c(bytes: Buffer): number
}
declare module 'kafkajs/src/protocol/requests/metadata/v6/request.js' {
  /** What the connection sends. */
  export default function encodeMetadata(request: {
    topics: readonly string[]
    allowAutoTopicCreation: boolean
  }): object
}
declare module 'kafkajs/src/protocol/requests/metadata/v6/response.js' {
  import type { BrokerMetadata } from 'kafkajs'

  const response: { decode(bytes: Buffer): Promise<BrokerMetadata> }
  export default response
}
declare module 'kafkajs/src/protocol/error.js' {
  const errors: {
    createErrorFromCode(code: number): Error & { readonly type: string; readonly retriable: boolean }
  }
  export default errors
}
