import type { JobDefinition } from '../define.ts'
import { imageTranscode, type Transcode } from './images.ts'
import { type Order, orderProcess } from './orders.ts'
import { oneOf, seededRandom, wholeBetween } from './random.ts'
import { loadSharp } from './sharp.ts'
import { ObjectStore } from './store.ts'

export interface GeneratorOptions {
  /** How many jobs. */
  readonly count: number
  /** The same seed gives the same jobs, ids included. Default 1. */
  readonly seed?: number
  /** The folder of the examples, where the inputs of jobs that need some are written. */
  readonly root: string
}

/** A job with the id to enqueue it under. */
export interface GeneratedJob<P> {
  readonly id: string
  readonly payload: P
}

/** A source of jobs of one type. */
export interface Generator<P> {
  readonly job: JobDefinition<any, any, P>
  generate(options: GeneratorOptions): AsyncIterable<GeneratedJob<P>>
}

/** By the name that `tidemill enqueue --from` takes. */
export const generators: { readonly orders: Generator<Order>; readonly images: Generator<Transcode> } = {
  orders: { job: orderProcess, generate: generateOrders },
  images: { job: imageTranscode, generate: generateImages },
}

const SKUS = ['tea', 'cup', 'kettle', 'filter', 'spoon', 'honey', 'tray', 'tin'] as const
const TAX_BASIS_POINTS = [0, 700, 1_900, 2_100] as const

/** Orders of one to five lines. */
async function* generateOrders({ count, seed = 1 }: GeneratorOptions): AsyncGenerator<GeneratedJob<Order>> {
  const random = seededRandom(seed)
  for (let index = 0; index < count; index++) {
    const id = `order-${seed}-${index}`
    const lines = Array.from({ length: wholeBetween(random, 1, 5) }, () => ({
      sku: oneOf(random, SKUS),
      quantity: wholeBetween(random, 1, 12),
      unitCents: wholeBetween(random, 99, 49_999),
      taxBasisPoints: oneOf(random, TAX_BASIS_POINTS),
    }))
    yield { id, payload: { orderId: id, currency: oneOf(random, ['EUR', 'GBP', 'USD'] as const), lines } }
  }
}

/** Images of 320 x 240 to 1,600 x 1,200 pixels: a JPEG, PNG or WebP below `inputs/`, to become a WebP or AVIF below `outputs/`. */
async function* generateImages({ count, seed = 1, root }: GeneratorOptions): AsyncGenerator<GeneratedJob<Transcode>> {
  const random = seededRandom(seed)
  const sharp = await loadSharp()
  const store = await ObjectStore.open(root)
  for (let index = 0; index < count; index++) {
    const id = `image-${seed}-${index}`
    const source = oneOf(random, ['jpeg', 'jpeg', 'png', 'webp'] as const)
    const width = wholeBetween(random, 320, source === 'jpeg' ? 1_600 : 800)
    const height = wholeBetween(random, Math.round(width / 2), Math.round((width * 3) / 4))
    const input = `inputs/${id}.${source}`
    // A few random patches, blown up smoothly: varied like a photograph, and quick to make.
    const patches = { width: 12, height: 9, channels: 3 } as const
    const pixels = Uint8Array.from({ length: patches.width * patches.height * 3 }, () => wholeBetween(random, 0, 255))
    const image = sharp(pixels, { raw: patches }).resize(width, height, { fit: 'fill' })
    await store.write(input, await image.toFormat(source).toBuffer())
    const format = oneOf(random, ['webp', 'webp', 'webp', 'avif'] as const)
    const smaller = wholeBetween(random, 160, 640)
    yield { id, payload: { input, output: `outputs/${id}.${format}`, format, width: smaller } }
  }
}
