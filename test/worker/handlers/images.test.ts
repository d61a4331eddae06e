import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import sharp from 'sharp'
import { PermanentError, TidemillError } from '../../../worker/errors.ts'
import { type ImageLimits, imageTranscode, openImages, type Transcode } from '../../../worker/handlers/images.ts'
import { runJob } from '../../../worker/run-job.ts'

const WISH: Transcode = { input: 'in/photo.jpeg', output: 'out/photo.webp', format: 'webp', width: 100 }

async function room(t: TestContext, limits?: ImageLimits) {
  const base = await mkdtemp(join(tmpdir(), 'tidemill-images-'))
  t.after(() => rm(base, { recursive: true }))
  const root = join(base, 'root')
  const resources = await openImages(root, limits)
  await mkdir(join(root, 'in'))
  return {
    base,
    root,
    resources,
    run: (wish: object = WISH) => runJob(imageTranscode, wish as Transcode, { resources }),
  }
}

const image = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: 200, g: 80, b: 20 } } })

const permanent = (text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PermanentError, `expected a PermanentError, got ${error}`)
  assert.match(error.message, text)
  return true
}

for (const format of ['webp', 'avif'] as const) {
  test(`an image becomes a smaller ${format} of the same shape`, async (t) => {
    const { root, run } = await room(t)
    await image(400, 300).jpeg().toFile(join(root, 'in/photo.jpeg'))
    await run({ ...WISH, format, output: `out/deep/er/photo.${format}` })
    const made = await sharp(await readFile(join(root, `out/deep/er/photo.${format}`))).metadata()
    assert.deepEqual([made.format, made.width, made.height], [format === 'avif' ? 'heif' : 'webp', 100, 75])
    assert.deepEqual(await readdir(join(root, 'out/deep/er')), [`photo.${format}`])
  })
}

for (const source of ['png', 'webp', 'avif', 'gif', 'tiff'] as const) {
  test(`a ${source} can be read`, async (t) => {
    const { root, run } = await room(t)
    await image(64, 64)
      .toFormat(source)
      .toFile(join(root, `in/photo.${source}`))
    await run({ ...WISH, input: `in/photo.${source}` })
    assert.equal((await sharp(await readFile(join(root, WISH.output))).metadata()).width, 64)
  })
}

test('a second run gives the same bytes', async (t) => {
  const { root, run } = await room(t)
  await image(200, 200).jpeg().toFile(join(root, 'in/photo.jpeg'))
  await run()
  const first = await readFile(join(root, WISH.output))
  await run()
  assert.ok(first.equals(await readFile(join(root, WISH.output))))
})

test('what can not be an image is refused for good', async (t) => {
  const { root, run } = await room(t)
  const whole = await image(300, 300).jpeg().toBuffer()
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>'
  const cases: readonly (readonly [title: string, bytes: Buffer, says: RegExp])[] = [
    ['cut short', whole.subarray(0, whole.length / 2), /can't be decoded/],
    ['a signature alone', whole.subarray(0, 4), /can't be decoded/],
    ['no bytes', Buffer.alloc(0), /expected a JPEG/],
    ['text', Buffer.from('hello'), /expected a JPEG/],
    ['SVG', Buffer.from(svg), /expected a JPEG/],
  ]
  for (const [title, bytes, says] of cases) {
    await writeFile(join(root, 'in/photo.jpeg'), bytes)
    await assert.rejects(run(), permanent(says), title)
  }
  assert.deepEqual(await readdir(root), ['in'])
})

test('an image of more pixels than allowed is refused for good, however few bytes it has', async (t) => {
  const { root, run } = await room(t, { maxPixels: 1_000_000 })
  await image(1_001, 1_000).png().toFile(join(root, 'in/photo.jpeg'))
  await assert.rejects(run(), permanent(/pixel limit/))
  await image(1_000, 1_000).png().toFile(join(root, 'in/photo.jpeg'))
  await run()
})

test('a file of more bytes than allowed is refused for good, unread', async (t) => {
  const { root, run } = await room(t, { maxBytes: 1_000_000 })
  await writeFile(join(root, 'in/photo.jpeg'), '')
  await truncate(join(root, 'in/photo.jpeg'), 1_000_001)
  await assert.rejects(run(), permanent(/at most 1000000 bytes .* got 1000001/))
})

test('an input that is not there, a folder and a named pipe are refused for good', async (t) => {
  const { root, run } = await room(t)
  await assert.rejects(run(), permanent(/found none/))
  await mkdir(join(root, 'in/folder'))
  await assert.rejects(run({ ...WISH, input: 'in/folder' }), permanent(/expected a file/))
  execFileSync('mkfifo', [join(root, 'in/pipe')])
  await assert.rejects(run({ ...WISH, input: 'in/pipe' }), permanent(/expected a file/))
})

for (const key of [
  '../secret.jpeg',
  '/etc/passwd',
  'in/../../secret.jpeg',
  'in//a',
  'in/.hidden',
  'a\\b',
  'a\0b',
  '',
]) {
  test(`the key ${JSON.stringify(key)} is refused, to read and to write`, async (t) => {
    const { base, root, run, resources } = await room(t)
    await image(64, 64).jpeg().toFile(join(base, 'secret.jpeg'))
    await image(64, 64).jpeg().toFile(join(root, 'in/photo.jpeg'))
    for (const wish of [
      { ...WISH, input: key },
      { ...WISH, output: key },
    ]) {
      await assert.rejects(run(wish), (error) => error instanceof TidemillError && error.code === 'INVALID_PAYLOAD')
    }
    // The store keeps to it without the schema's help.
    await assert.rejects(resources.store.read(key, 1_000_000), permanent(/expected a key/))
    await assert.rejects(resources.store.write(key, 'x'), permanent(/expected a key/))
    assert.deepEqual((await readdir(base)).sort(), ['root', 'secret.jpeg'])
  })
}

test('a link that leads out of the root is followed neither to read nor to write', async (t) => {
  const { base, root, run } = await room(t)
  await mkdir(join(base, 'outside'))
  await image(64, 64).jpeg().toFile(join(base, 'outside/secret.jpeg'))
  await image(64, 64).jpeg().toFile(join(root, 'in/photo.jpeg'))
  await symlink(join(base, 'outside/secret.jpeg'), join(root, 'in/link.jpeg'))
  await symlink(join(base, 'outside'), join(root, 'door'))
  await assert.rejects(run({ ...WISH, input: 'in/link.jpeg' }), permanent(/leads out/))
  await assert.rejects(run({ ...WISH, input: 'door/secret.jpeg' }), permanent(/leads out/))
  await assert.rejects(run({ ...WISH, output: 'door/made.webp' }), permanent(/leads out/))
  await assert.rejects(run({ ...WISH, output: 'door/new/made.webp' }), permanent(/leads out/))
  assert.deepEqual(await readdir(join(base, 'outside')), ['secret.jpeg'])
})

test('a link in the place of the output is replaced and what it leads to stays as it was', async (t) => {
  const { base, root, run } = await room(t)
  await image(64, 64).jpeg().toFile(join(root, 'in/photo.jpeg'))
  await writeFile(join(base, 'precious'), 'precious')
  await mkdir(join(root, 'out'))
  await symlink(join(base, 'precious'), join(root, WISH.output))
  await run()
  assert.equal(await readFile(join(base, 'precious'), 'utf8'), 'precious')
  assert.equal((await sharp(await readFile(join(root, WISH.output))).metadata()).format, 'webp')
})

test('a job that was interrupted writes nothing', async (t) => {
  const { root, resources } = await room(t)
  await image(64, 64).jpeg().toFile(join(root, 'in/photo.jpeg'))
  const signal = AbortSignal.abort(new Error('the worker is stopping'))
  await assert.rejects(runJob(imageTranscode, WISH, { resources, signal }), /the worker is stopping/)
  assert.deepEqual(await readdir(root), ['in'])
})

test('input and output of one key are refused', async (t) => {
  const { run } = await room(t)
  await assert.rejects(run({ ...WISH, output: WISH.input }), /another key/)
})
