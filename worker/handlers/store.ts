import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, realpath, rename, unlink } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { PermanentError } from '../errors.ts'

const SEGMENT = '[A-Za-z0-9_][A-Za-z0-9._-]{0,99}'

/** An object's key: 1 to 8 segments of letters, digits, `.`, `_`, `-` between slashes, none of which begins with a dot. */
export const KEY_FORM = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,7}$`)

/**
 * Objects by key below one folder. A key comes from a job's payload, so it is hostile: it can't name anything outside the folder, also
 * not by way of a symbolic link. (Whoever can change the folder itself while a job runs is trusted.)
 */
export class ObjectStore {
  readonly #root: string

  /** @param root made when it is not there */
  static async open(root: string): Promise<ObjectStore> {
    await mkdir(root, { recursive: true })
    return new ObjectStore(await realpath(root))
  }

  private constructor(root: string) {
    this.#root = root
  }

  async has(key: string): Promise<boolean> {
    try {
      await access(this.#pathOf(key))
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
  }

  /**
   * The object's bytes.
   * @throws PermanentError when there is none, it is no file, it lies outside the folder, or it has more than `maxBytes`
   */
  async read(key: string, maxBytes: number): Promise<Buffer> {
    const path = await this.#inside(this.#pathOf(key), key)
    // Without O_NONBLOCK a named pipe would hold the job until somebody writes to it.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) throw new PermanentError(`expected a file as the object ${key}, got something else`)
      if (stat.size > maxBytes) {
        throw new PermanentError(`expected an object of at most ${maxBytes} bytes as ${key}, got ${stat.size}`)
      }
      const bytes = Buffer.alloc(stat.size)
      const { bytesRead } = await file.read(bytes, 0, stat.size, 0)
      return bytes.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }

  /** Writes the object whole or not at all: nobody ever reads a part of it, and an earlier one stays until this one is complete. */
  async write(key: string, bytes: Uint8Array | string): Promise<void> {
    const segments = key.split('/')
    const name = segments.pop()!
    this.#pathOf(key)
    const folder = await this.#folder(segments, key)
    const draft = join(folder, `.${name}.${randomUUID()}`)
    try {
      const file = await open(draft, 'wx')
      try {
        await file.writeFile(bytes)
        // After a power cut a file that was renamed unsynced can be there and empty.
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, join(folder, name))
    } catch (error) {
      await unlink(draft).catch(() => {})
      throw error
    }
  }

  // Segment by segment, because a recursive mkdir would follow a link and make folders on the other side.
  async #folder(segments: readonly string[], key: string): Promise<string> {
    let folder = this.#root
    for (const segment of segments) {
      const below = join(folder, segment)
      await mkdir(below).catch((error) => {
        if (codeOf(error) !== 'EEXIST') throw error
      })
      folder = await this.#inside(below, key)
    }
    return folder
  }

  async #inside(path: string, key: string): Promise<string> {
    const real = await realpath(path).catch((cause) => {
      if (codeOf(cause) === 'ENOENT') throw new PermanentError(`expected an object ${key}, found none`, { cause })
      throw cause
    })
    if (real.startsWith(this.#root + sep)) return real
    throw new PermanentError(`expected ${key} below the root, got a link that leads out of it`)
  }

  #pathOf(key: string): string {
    if (KEY_FORM.test(key)) return join(this.#root, key)
    throw new PermanentError(`expected a key of the form ${KEY_FORM.source}, got ${JSON.stringify(key.slice(0, 200))}`)
  }
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code
}
