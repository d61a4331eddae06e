// What kafkajs does not declare and the tests compare with, of its version 2.2.4.
declare module 'kafkajs/src/protocol/decoder.js' {
  class Decoder {
    constructor(bytes: Buffer)
  }
  export default Decoder
}
declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  export default function decodeBatch(decoder: object): Promise<{
    readonly firstTimestamp: string
    readonly maxTimestamp: string
    readonly lastOffsetDelta: number
    readonly producerId: string
    readonly records: readonly {
      readonly offset: string
      readonly key: Buffer | null
      readonly value: Buffer | null
      readonly headers: object
    }[]
  }>
}
declare module 'kafkajs/src/producer/partitioners/default/murmur2.js' {
  export default function murmur2(key: Buffer): number
}
