import type sharp from 'sharp'
import { TidemillError } from '../errors.ts'

/**
 * Loads sharp once.
 * @throws TidemillError `CONFIG` when it is not installed or does not fit this machine
 */
export async function loadSharp(): Promise<typeof sharp> {
  try {
    const loaded = (await import('sharp')).default
    // One thread an image: jobs run side by side already, on libuv's threads.
    loaded.concurrency(1)
    // No image is read twice.
    loaded.cache(false)
    return loaded
  } catch (cause) {
    throw new TidemillError('CONFIG', "image jobs need the package sharp, which can't be loaded: npm install sharp", {
      cause,
    })
  }
}
