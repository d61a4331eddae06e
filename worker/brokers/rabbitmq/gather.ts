import type { Writable } from 'node:stream'

/**
 * Makes a stream write what it is given within one tick by one system call. amqplib writes each frame by itself, and
 * with TCP_NODELAY each is a packet of its own: of jobs that finish out of order, each ack would be.
 */
export function gather(stream: Writable): void {
  const uncork = (): void => stream.uncork()
  const write = stream.write
  stream.write = function (this: Writable, ...args: unknown[]): boolean {
    if (stream.writableCorked === 0) {
      stream.cork()
      process.nextTick(uncork)
    }
    return Reflect.apply(write, stream, args)
  } as Writable['write']
}
