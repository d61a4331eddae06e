import { promisify } from 'node:util'
import { gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'
import { compress as snappyCompress, uncompress as snappyDecompress } from 'snappyjs'
import { TidemillError } from '../../errors.ts'

/** No batch of records may grow larger: a compressed one of 300 KB can hold 300 MB. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/** How snappy batches of Java producers begin; behind it, a version and lengths with their blocks. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_BYTES = 16

/** Not one word: a bundler would look for its binaries of all platforms, and most programs read no lz4. */
const LZ4_PACKAGE = ['lz4', 'napi'].join('-')

/** How kafkajs hands over what is to be compressed. */
interface Encoded {
  readonly buffer: Buffer
}

const inflate = promisify(gunzip)
const deflate = promisify(gzip)
const unzstd = promisify(zstdDecompress)
const zstd = promisify(zstdCompress)
const BOUND = { maxOutputLength: MAX_OUTPUT_BYTES }

let registered = false

/** Makes kafkajs know all codecs of Kafka, each with a bound on what comes out. */
export function registerCodecs(): void {
  if (registered) return
  registered = true
  const { CompressionTypes: type, CompressionCodecs: codecs } = kafkajs
  codecs[type.GZIP] = () => ({
    compress: ({ buffer }: Encoded) => deflate(buffer),
    decompress: (buffer: Buffer) => inflate(buffer, BOUND),
  })
  codecs[type.Snappy] = () => ({
    compress: async ({ buffer }: Encoded) => snappyCompress(buffer),
    decompress: async (buffer: Buffer) => unsnappy(buffer),
  })
  codecs[type.LZ4] = () => ({
    compress: async ({ buffer }: Encoded) => (await loadLz4()).compressFrame(buffer),
    decompress: unlz4,
  })
  codecs[type.ZSTD] = () => ({
    compress: ({ buffer }: Encoded) => zstd(buffer),
    decompress: (buffer: Buffer) => unzstd(buffer, BOUND),
  })
}

function unsnappy(buffer: Buffer): Buffer {
  if (!buffer.subarray(0, XERIAL.length).equals(XERIAL)) return snappyDecompress(buffer, MAX_OUTPUT_BYTES)
  const blocks: Buffer[] = []
  let room = MAX_OUTPUT_BYTES
  for (let at = XERIAL_BYTES; at + 4 <= buffer.length; ) {
    const end = at + 4 + buffer.readUInt32BE(at)
    const block = snappyDecompress(buffer.subarray(at + 4, end), room)
    blocks.push(block)
    room -= block.length
    at = end
  }
  return Buffer.concat(blocks)
}

async function unlz4(buffer: Buffer): Promise<Buffer> {
  if (lz4Bound(buffer) > MAX_OUTPUT_BYTES) {
    throw new RangeError(`expected an lz4 batch of at most ${MAX_OUTPUT_BYTES} bytes, got one that may be larger`)
  }
  return (await loadLz4()).decompressFrame(buffer)
}

/**
 * What an LZ4 frame can grow to, by the sizes of its blocks: none grows beyond the frame's block size, nor more than
 * 255-fold. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 */
export function lz4Bound(frame: Buffer): number {
  if (frame.length < 7) return 0
  const flags = frame[4]!
  const blockSize = 1 << (8 + 2 * ((frame[5]! >> 4) & 7))
  const hasBlockChecksum = (flags & 0x10) !== 0
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0)
  let bound = 0
  while (at + 4 <= frame.length) {
    const header = frame.readUInt32LE(at)
    const size = header & 0x7fffffff
    if (size === 0) break
    bound += header >= 0x80000000 ? size : Math.min(blockSize, size * 255)
    at += 4 + size + (hasBlockChecksum ? 4 : 0)
  }
  return bound
}

/** @throws TidemillError `CONFIG` when it is not installed or does not fit this machine */
async function loadLz4(): Promise<typeof import('lz4-napi')> {
  try {
    const { default: lz4 } = (await import(LZ4_PACKAGE)) as { default: typeof import('lz4-napi') }
    return lz4
  } catch (cause) {
    const message = "records compressed with lz4 need the package lz4-napi, which can't be loaded: npm install lz4-napi"
    throw new TidemillError('CONFIG', message, { cause })
  }
}
