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
