import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { BrokerSettings } from '../../contracts.ts'
import { tlsOf } from '../tls.ts'
import { type Credentials, credentialsOf, endpointOf } from './address.ts'

const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/** The few questions that are asked of RabbitMQ's management HTTP API. */
export class ManagementApi {
  readonly #settings: BrokerSettings
  readonly #http = new HttpAgent({ keepAlive: true })
  readonly #https = new HttpsAgent({ keepAlive: true })

  constructor(settings: BrokerSettings) {
    this.#settings = settings
  }

  /** A queue's figures. Rejects where the API does not answer with them within `connectTimeoutMs`. */
  async queue(name: string): Promise<Readonly<Record<string, unknown>>> {
    const { vhost } = endpointOf(this.#settings.brokerUrl)
    const answer = await this.#get(`api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}`)
    if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>
    throw new Error(`expected an object about queue ${name}, got ${typeof answer}`)
  }

  async close(): Promise<void> {
    this.#http.destroy()
    this.#https.destroy()
  }

  async #get(path: string): Promise<unknown> {
    const base = new URL(this.#settings.managementUrl!)
    const login = this.#login(base)
    const url = new URL(`${base.pathname.replace(/\/$/, '')}/${path}`, base)
    const response = await this.#request(url, login)
    const text = await bodyOf(response)
    if (response.statusCode !== 200) {
      throw new Error(`expected status 200 of ${url.host}/${path}, got ${response.statusCode}`)
    }
    return JSON.parse(text)
  }

  /** Who asks: the user of the management URL, or else the broker's. Read anew each time, as for connections. */
  #login(base: URL): Credentials {
    if (base.username === '') return credentialsOf(this.#settings) ?? { username: 'guest', password: 'guest' }
    return { username: decodeURIComponent(base.username), password: decodeURIComponent(base.password) }
  }

  #request(url: URL, { username, password }: Credentials): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:'
    const options = {
      auth: `${username}:${password}`,
      signal: AbortSignal.timeout(this.#settings.connectTimeoutMs),
      agent: secure ? this.#https : this.#http,
      ...(secure ? tlsOf(this.#settings) : {}),
    }
    // The credentials of the URL itself are not sent on: `auth` is.
    const target = new URL(url.pathname, url.origin)
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(target, options, resolve)
      request.on('error', reject)
      request.end()
    })
  }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > MAX_ANSWER_BYTES) throw new Error(`expected an answer below ${MAX_ANSWER_BYTES} bytes, got more`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
