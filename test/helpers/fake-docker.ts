// Stands in for the docker command: a "container" is a process that answers on the published ports, as a RabbitMQ would at a first look.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'

const folder = process.env.FAKE_DOCKER_FOLDER!
const [verb, ...args] = process.argv.slice(2)
const name = args.at(-1)!
const fileOf = (container: string) => join(folder, `${container}.json`)
const portsOf = (): number[] =>
  args.flatMap((arg, index) => (args[index - 1] === '--publish' ? [Number(arg.split(':')[1])] : []))

if (verb === 'serve') {
  const [amqp, management] = args.map(Number)
  createTcpServer((socket) => socket.on('error', () => undefined)).listen(amqp, '127.0.0.1')
  createServer((_, response) => response.end('{"rabbitmq_version":"4.3.6"}')).listen(management, '127.0.0.1')
} else {
  appendFileSync(join(folder, 'calls'), `${process.argv.slice(2).join(' ')}\n`)
  process.exitCode = answer()
}

function answer(): number {
  switch (verb) {
    case 'info':
      process.stdout.write('27.0\n')
      return 0
    case 'image':
      return existsSync(join(folder, 'pulled')) ? 0 : 1
    case 'pull':
      if (existsSync(join(folder, 'no-network'))) return fail('no route to the registry')
      writeFileSync(join(folder, 'pulled'), '')
      return 0
    case 'run':
      return serve(args[args.indexOf('--name') + 1]!, portsOf())
    case 'start':
      return serve(name, JSON.parse(readFileSync(fileOf(name), 'utf8')).ports)
    case 'kill':
      return stop(name)
    case 'wait':
    case 'ps':
    case 'exec':
    case 'logs':
      return 0
    case 'rm':
      if (!existsSync(fileOf(name))) return 0
      stop(name)
      rmSync(fileOf(name))
      return 0
    default:
      return fail(`unknown command ${verb}`)
  }
}

function serve(container: string, ports: readonly number[]): number {
  const child = spawn(process.execPath, [import.meta.filename, 'serve', ...ports.map(String)], {
    detached: true,
    stdio: 'ignore',
  })
  child.unref()
  writeFileSync(fileOf(container), JSON.stringify({ pid: child.pid, ports }))
  return 0
}

function stop(container: string): number {
  try {
    process.kill(JSON.parse(readFileSync(fileOf(container), 'utf8')).pid, 'SIGKILL')
  } catch {
    // It was killed before.
  }
  return 0
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}
