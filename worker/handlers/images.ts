import * as z from 'zod'
import { type Context, defineJob } from '../define.ts'
import { messageOf, PermanentError } from '../errors.ts'
import { loadSharp } from './sharp.ts'
import { KEY_FORM, ObjectStore } from './store.ts'

const Key = z.string().max(400).regex(KEY_FORM)

const Transcode = z
  .strictObject({
    /** Key of the image to read: JPEG, PNG, WebP, AVIF, GIF or TIFF. */
    input: Key,
    /** Key to write to; what is there is replaced. */
    output: Key,
    format: z.enum(['webp', 'avif']),
    /** At most so many pixels wide and high; smaller images keep their size, all keep their shape. */
    width: z.int().min(1).max(4_096),
    height: z.int().min(1).max(4_096).optional(),
    quality: z.int().min(1).max(100).default(75),
  })
  .refine(({ input, output }) => input !== output, { path: ['output'], message: 'expected another key than the input' })

export type Transcode = z.input<typeof Transcode>
type Wish = z.output<typeof Transcode>

export interface ImageLimits {
  /** Larger inputs are refused unread. Default 32 MiB. */
  readonly maxBytes?: number
  /** Larger images are refused undecoded: width x height. Default 50,000,000. */
  readonly maxPixels?: number
}

/** What `image.transcode` needs: where images are kept, and a codec that is loaded. */
export interface ImageResources {
  readonly store: ObjectStore
  readonly maxBytes: number
  /** Decodes, resizes, encodes. Rejects with a PermanentError for what no other try can decode. */
  transcode(image: Uint8Array, wish: Wish): Promise<Uint8Array>
}

/**
 * Loads sharp, which is an optional dependency, so that a worker without it stops at its start and not at its first job.
 * @param root the folder below which keys are looked up
 */
export async function openImages(root: string, limits: ImageLimits = {}): Promise<ImageResources> {
  const { maxBytes = 32 * 1024 * 1024, maxPixels = 50_000_000 } = limits
  const sharp = await loadSharp()
  return {
    store: await ObjectStore.open(root),
    maxBytes,
    async transcode(image, { width, height, format, quality }) {
      refuseForeign(image)
      try {
        const pipeline = sharp(image, { limitInputPixels: maxPixels })
          .autoOrient()
          .resize({ width, ...(height !== undefined && { height }), fit: 'inside', withoutEnlargement: true })
        // The effort of 2 is half the time of the default for a few per cent more bytes.
        return await pipeline.toFormat(format, { quality, effort: 2 }).toBuffer()
      } catch (error) {
        // All other input was the job's own bytes: only what the machine lacks can be better next time.
        if (/memory/i.test(messageOf(error))) throw error
        throw new PermanentError(`the image can't be decoded: ${messageOf(error)}`, { cause: error })
      }
    },
  }
}

/** Makes a web image out of one that is read by its key. A second run writes the same again. */
export const imageTranscode = defineJob({
  type: 'image.transcode',
  schema: Transcode,
  timeoutMs: 30_000,
  async handler(job, { resources, signal }: Context<ImageResources>) {
    const { store, maxBytes } = resources
    const image = await store.read(job.payload.input, maxBytes)
    signal.throwIfAborted()
    const transcoded = await resources.transcode(image, job.payload)
    signal.throwIfAborted()
    await store.write(job.payload.output, transcoded)
  },
})

/** How files of these formats begin: what stands at which byte. */
const SIGNATURES: readonly (readonly [offset: number, text: string])[] = [
  [0, '\xff\xd8\xff'],
  [0, '\x89PNG\r\n\x1a\n'],
  [8, 'WEBP'],
  [4, 'ftypavif'],
  [4, 'ftypavis'],
  [0, 'GIF87a'],
  [0, 'GIF89a'],
  [0, 'II*\0'],
  [0, 'MM\0*'],
]

// By its first bytes, before any decoder sees it: libvips also reads SVG, PDF and more, which can refer to other files.
function refuseForeign(image: Uint8Array): void {
  const head = Buffer.from(image.buffer, image.byteOffset, Math.min(16, image.byteLength)).toString('latin1')
  if (SIGNATURES.some(([offset, text]) => head.startsWith(text, offset))) return
  throw new PermanentError('expected a JPEG, PNG, WebP, AVIF, GIF or TIFF image, got something else')
}
