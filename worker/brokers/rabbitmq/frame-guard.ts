import type { ChannelModel } from 'amqplib'

/** amqplib's connection, as far as the guard touches it: what was read and not parsed, and the parser. */
interface FrameReader {
  rest: Buffer
  recvFrame?: () => unknown
}

const HEADER_FRAME = 2
const FRAME_HEADER_BYTES = 7
const BODY_SIZE_AT = FRAME_HEADER_BYTES + 4

/** True for an error of amqplib's parser, where the network's carry a code. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof RangeError || error instanceof TypeError
}

/**
 * Lets messages pass whose properties can't be decoded (tables nested so deep that amqplib overflows the stack), as
 * messages without any. Without this, one of them ends every connection that it is delivered on, for as long as it
 * is in the queue. For connections after one that was lost that way: it costs a little for each frame.
 */
export function guardFrames(model: ChannelModel): void {
  const reader = model.connection as unknown as FrameReader
  const receive = reader.recvFrame
  if (typeof receive !== 'function') return
  reader.recvFrame = function guarded(this: FrameReader): unknown {
    const before = this.rest
    try {
      return receive.call(this)
    } catch (error) {
      const bare = bareProperties(before)
      if (bare === undefined) throw error
      return bare
    }
  }
}

/** The frame as amqplib would have decoded it, with no property set. */
function bareProperties(frame: Buffer): object | undefined {
  if (frame.length < BODY_SIZE_AT + 8 || frame[0] !== HEADER_FRAME) return undefined
  return {
    id: frame.readUInt16BE(FRAME_HEADER_BYTES),
    channel: frame.readUInt16BE(1),
    size: Number(frame.readBigUInt64BE(BODY_SIZE_AT)),
    fields: {},
  }
}
