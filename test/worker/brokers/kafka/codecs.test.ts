import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import { compress as snappy } from 'snappyjs'
import { lz4Bound, registerCodecs } from '../../../../worker/brokers/kafka/codecs.ts'

registerCodecs()

const { CompressionTypes: type, CompressionCodecs: codecs } = kafkajs
const TOO_MUCH = Buffer.alloc(65 * 1024 * 1024)
const TEXT = Buffer.from('tide '.repeat(50_000))

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

const codecOf = (name: keyof typeof type): Codec => (codecs[type[name] as keyof typeof codecs] as () => Codec)()

/** As Java writes snappy: a head, then blocks behind their lengths. */
function xerial(...parts: Buffer[]): Buffer {
  const head = Buffer.from('82534e415050590000000001000000001'.slice(0, 32), 'hex')
  const blocks = parts.flatMap((part) => {
    const block = snappy(part)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    return [length, block]
  })
  return Buffer.concat([head, ...blocks])
}

for (const name of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const) {
  test(`${name}: what was compressed comes back`, async () => {
    const { compress, decompress } = codecOf(name)
    const small = await compress({ buffer: TEXT })
    assert.ok(small.length < TEXT.length)
    assert.ok(TEXT.equals(await decompress(small)))
  })
}

const BOMBS: readonly (readonly [keyof typeof type, () => Buffer])[] = [
  ['GZIP', () => gzipSync(TOO_MUCH)],
  ['ZSTD', () => zstdCompressSync(TOO_MUCH)],
  ['Snappy', () => snappy(TOO_MUCH)],
  ['Snappy', () => xerial(...Array.from({ length: 65 }, () => Buffer.alloc(1024 * 1024)))],
  ['LZ4', () => lz4.compressFrameSync(TOO_MUCH)],
]

for (const [name, make] of BOMBS) {
  test(`${name}: ${make().length} bytes that would grow to 65 MiB are refused`, async () => {
    await assert.rejects(codecOf(name).decompress(make()))
  })
}

test('snappy is read in blocks as Java writes it', async () => {
  const parts = [TEXT, Buffer.from('x'), Buffer.alloc(0), TEXT]
  const whole = await codecOf('Snappy').decompress(xerial(...parts))
  assert.ok(whole.equals(Buffer.concat(parts)))
  await assert.rejects(codecOf('Snappy').decompress(xerial(TEXT).subarray(0, 100)))
})

test('the bound of an lz4 frame is never below what comes out', () => {
  for (const length of [0, 1, 1_000, 65_536, 65_537, 5_000_000]) {
    for (const fill of [0, undefined]) {
      const plain = Buffer.alloc(length, fill)
      if (fill === undefined) for (let at = 0; at < length; at++) plain[at] = (at * at * 31) >> 7
      assert.ok(lz4Bound(lz4.compressFrameSync(plain)) >= length, `${length}`)
    }
  }
  assert.equal(lz4Bound(Buffer.from('short')), 0)
})

test('garbage is refused by every codec', async () => {
  const garbage = deflateSync(TEXT).subarray(3)
  for (const name of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const) await assert.rejects(codecOf(name).decompress(garbage))
})
