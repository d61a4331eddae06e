import { defineWorker } from '../define.ts'
import { imageTranscode, openImages } from './images.ts'

/** `tidemill work` on the queue `images`; keys are looked up below `EXAMPLES_ROOT`, default `./examples`. */
export default defineWorker({
  queue: 'images',
  // More would not be faster: decoding takes a whole processor, and libuv has four threads for it.
  concurrency: 4,
  jobs: [imageTranscode],
  setup: () => openImages(process.env['EXAMPLES_ROOT'] ?? 'examples'),
})
