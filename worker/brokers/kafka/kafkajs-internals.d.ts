// What kafkajs does not declare, of its version 2.2.4.
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
