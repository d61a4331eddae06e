import type { SharedBroker } from './broker.ts'

/** The broker's management API, for what AMQP can't tell or do: users, connections, figures. */
export class Management {
  readonly #base: string
  readonly #authorization: string

  /** @throws when the broker has no management API that is known */
  constructor(broker: Pick<SharedBroker, 'url' | 'managementUrl'>) {
    if (broker.managementUrl === undefined) throw new Error('this test needs the management API of the broker')
    const { username, password } = new URL(broker.url)
    this.#base = broker.managementUrl
    this.#authorization = `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
  }

  /** A GET's JSON; `undefined` for what is not there. Paths begin with `/api/`. */
  async get<T>(path: string): Promise<T | undefined> {
    const response = await this.#call('GET', path)
    if (response.status === 404) {
      await response.body?.cancel()
      return undefined
    }
    return (await response.json()) as T
  }

  async put(path: string, body: unknown): Promise<void> {
    await (await this.#call('PUT', path, body)).body?.cancel()
  }

  async post(path: string, body: unknown): Promise<void> {
    await (await this.#call('POST', path, body)).body?.cancel()
  }

  /** Deletes what is there; what is not is no error. */
  async delete(path: string): Promise<void> {
    await (await this.#call('DELETE', path)).body?.cancel()
  }

  async #call(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(10_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (response.ok || response.status === 404) return response
    throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
}
