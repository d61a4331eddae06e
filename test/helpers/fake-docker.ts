// Stands in for the docker command: a "container" is a process that answers on the published ports, as a RabbitMQ would at a first look.
// A Kafka is a real one, with the properties that its image would make of the variables.
import { spawn } from 'node:child_process'
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fakeKafka } from './fake-kafka.ts'
import { processes } from './leaks.ts'

const folder = process.env.FAKE_DOCKER_FOLDER!
const [verb, ...args] = process.argv.slice(2)
const name = args.at(-1)!
const fileOf = (container: string) => join(folder, `${container}.json`)
const logOf = (container: string) => join(folder, `${container}.log`)
const valuesOf = (flag: string): string[] => args.filter((_, index) => args[index - 1] === flag)

if (verb === 'serve') {
  const [amqp, management] = args.map(Number)
  createTcpServer((socket) => socket.on('error', () => undefined)).listen(amqp, '127.0.0.1')
  createServer((_, response) => response.end('{"rabbitmq_version":"4.3.6"}')).listen(management, '127.0.0.1')
} else {
  appendFileSync(join(folder, 'calls'), `${process.argv.slice(2).join(' ')}\n`)
  process.exitCode = await answer()
}

async function answer(): Promise<number> {
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
    case 'run': {
      const container = valuesOf('--name')[0]!
      const ports = valuesOf('--publish').map((value) => value.split(':')[1]!)
      const served = [process.execPath, import.meta.filename, 'serve', ...ports]
      return launch(container, name.includes('kafka') ? await fakeKafka(folder, container, valuesOf('--env')) : served)
    }
    case 'start':
      return launch(name, JSON.parse(readFileSync(fileOf(name), 'utf8')).command)
    case 'kill':
      return end(name, 'SIGKILL')
    case 'stop':
      return end(name, 'SIGTERM')
    case 'logs':
      process.stdout.write(readFileSync(logOf(name)))
      return 0
    case 'wait':
    case 'ps':
    case 'exec':
      return 0
    case 'rm':
      if (!existsSync(fileOf(name))) return 0
      await end(name, 'SIGKILL')
      rmSync(fileOf(name))
      return 0
    default:
      return fail(`unknown command ${verb}`)
  }
}

function launch(container: string, command: readonly string[]): number {
  const log = openSync(logOf(container), 'a')
  const child = spawn(command[0]!, command.slice(1), { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  child.unref()
  writeFileSync(fileOf(container), JSON.stringify({ pid: child.pid, command }))
  return 0
}

/** Ends what runs in a container and waits for its end. */
async function end(container: string, signal: NodeJS.Signals): Promise<number> {
  const { pid } = JSON.parse(readFileSync(fileOf(container), 'utf8')) as { pid: number }
  const isRunning = () => processes().some((one) => one.pid === pid)
  if (isRunning()) process.kill(pid, signal)
  while (isRunning()) await pause(20)
  return 0
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}
