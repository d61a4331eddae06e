import type { Broker } from 'kafkajs'

/** What kafkajs's brokers have besides what its types say. */
interface BrokerInside {
  readonly connectionPool: {
    send<T>(call: {
      request: object
      response: { decode(bytes: Buffer): Promise<T>; parse(decoded: T): Promise<T> }
      requestTimeout: number
    }): Promise<T>
  }
}

/**
 * Sends a request, as kafkajs encodes such, and hands the answer's body to `decode`: kafkajs's own reading throws a whole answer
 * away because of one part of it that is an error. Where what was decoded has a `clientSideThrottleTime` in ms, kafkajs keeps to it.
 */
export function ask<T>(
  broker: Broker,
  request: object,
  decode: (bytes: Buffer) => T | Promise<T>,
  timeoutMs: number,
): Promise<T> {
  const { connectionPool } = broker as unknown as BrokerInside
  return connectionPool.send({
    request,
    response: { decode: async (bytes) => decode(bytes), parse: async (decoded) => decoded },
    requestTimeout: timeoutMs,
  })
}
