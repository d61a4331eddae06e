import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '..', '..')
const INSTALL_TIMEOUT_MS = 120_000
const run = promisify(execFile)

/** How a command ended, and what it wrote. */
export interface Ended {
  readonly code: number
  readonly output: string
}

/** A folder of a user's: tidemill installed from the packed tarball, and the Nodes that it is tried under. */
export class Installed {
  readonly folder: string
  readonly #nodes: ReadonlyMap<number, string>

  private constructor(folder: string, nodes: ReadonlyMap<number, string>) {
    this.folder = folder
    this.#nodes = nodes
  }

  /** Packs the repository and installs the tarball, with what a user adds, in an empty folder; `majors` are Nodes from npm. */
  static async open(majors: readonly number[], packages: readonly string[]): Promise<Installed> {
    // The real path, because Node names a program by it in its messages.
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'tidemill-package-')))
    try {
      const user = join(folder, 'user')
      await mkdir(user)
      await writeFile(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
      const tarball = await packTarball(folder)
      const nodes = installNodes(folder, majors)
      await npm(user, 'install', '--prefer-offline', tarball, ...packages)
      return new Installed(user, await nodes)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Removes everything. */
  async remove(): Promise<void> {
    await rm(dirname(this.folder), { recursive: true, force: true })
  }

  write(name: string, content: string): Promise<void> {
    return writeFile(join(this.folder, name), content)
  }

  read(name: string): Promise<string> {
    return readFile(join(this.folder, 'node_modules', 'tidemill', name), 'utf8')
  }

  /** Runs a command to its end with that Node as `node`; a code other than 0 is a result as well. */
  run(major: number, command: string, ...args: string[]): Promise<Ended> {
    const child = this.start(major, command, ...args)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
      })
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ code: code ?? -1, output: signal ? `${output}${signal}` : output }))
    })
  }

  /** Starts a command with that Node as `node`. */
  start(major: number, command: string, ...args: string[]): ChildProcess {
    const bin = this.#nodes.get(major)
    if (bin === undefined) throw new Error(`expected an installed Node, got ${major}`)
    const PATH = [join(this.folder, 'node_modules', '.bin'), bin, process.env['PATH']].join(delimiter)
    return spawn(command, args, { cwd: this.folder, env: { ...cleanEnv(), PATH }, stdio: ['ignore', 'pipe', 'pipe'] })
  }
}

/** Packs the repository as it would be published; returns the tarball's path. */
export async function packTarball(folder: string): Promise<string> {
  const { stdout } = await npm(ROOT, 'pack', '--json', '--pack-destination', folder)
  return join(folder, JSON.parse(stdout)[0].filename)
}

/** The packages that hold nothing but Node's binary need no install script, which a user's npm may refuse to run. */
async function installNodes(folder: string, majors: readonly number[]): Promise<Map<number, string>> {
  const binary = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const home = join(folder, 'nodes')
  await mkdir(home)
  await writeFile(join(home, 'package.json'), '{"private":true}')
  await npm(home, 'install', '--prefer-offline', ...majors.map((major) => `node${major}@npm:${binary}@${major}`))
  const nodes = new Map<number, string>()
  for (const major of majors) {
    const bin = join(home, `bin${major}`)
    await mkdir(bin)
    await symlink(join(home, 'node_modules', `node${major}`, 'bin', 'node'), join(bin, 'node'))
    nodes.set(major, bin)
  }
  return nodes
}

function npm(cwd: string, ...args: string[]) {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  return run('npm', [...args, ...quiet], { cwd, env: cleanEnv(), timeout: INSTALL_TIMEOUT_MS })
}

/** This process's environment without what the test runner and `npm run` put there. */
function cleanEnv(): NodeJS.ProcessEnv {
  const foreign =
    /^(TIDEMILL_|TEST_BROKER_|npm_(package|lifecycle|command|execpath)|NODE_TEST_CONTEXT$|NODE_OPTIONS$|INIT_CWD$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}
