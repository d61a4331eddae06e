import { passwordOf, usernameOf } from './broker-url.ts'
import type { WorkerDefinition } from './define.ts'
import { figure } from './setting.ts'
import { isKafkaUrl } from './settings-kafka.ts'
import type { SettingName, WorkerSettings } from './settings-table.ts'

interface Rule {
  /** The settings that it compares; it is not asked when one of them is faulty by itself. */
  readonly of: readonly SettingName[]
  /** Where it holds for one kind of broker only. */
  readonly where?: (brokerUrl: string) => boolean
  /** The fault, or nothing. */
  judge(settings: WorkerSettings): string | undefined
}

const ENCRYPTED = /^(amqps|kafkas):/i

function isAmqpUrl(url: string): boolean {
  return /^amqps?:/i.test(url)
}

/** What must hold between settings. */
const RULES: readonly Rule[] = [
  {
    of: ['drainTimeoutMs', 'abortGraceMs', 'closeTimeoutMs', 'settlePauseMs', 'terminationGraceMs'],
    judge(s) {
      const sum = drainBoundMs(s)
      if (sum < s.terminationGraceMs) return undefined
      const parts = `${figure(s.drainTimeoutMs)} + ${figure(s.abortGraceMs)} + ${figure(s.settlePauseMs)} + ${figure(s.closeTimeoutMs)} = ${figure(sum)}`
      return `drainTimeoutMs + abortGraceMs + settlePauseMs + closeTimeoutMs: expected less than terminationGraceMs, ${figure(s.terminationGraceMs)}, or a drain is killed before its end, got ${parts}`
    },
  },
  {
    of: ['jobTimeoutMs', 'consumerTimeoutMs'],
    where: isAmqpUrl,
    judge: (s) => overConsumerTimeout('jobTimeoutMs', s.jobTimeoutMs, s),
  },
  {
    of: ['concurrency', 'readAhead'],
    where: isAmqpUrl,
    judge(s) {
      const prefetch = s.concurrency + s.readAhead
      if (prefetch <= 65_535) return undefined
      return `concurrency + readAhead: expected at most 65,535, the most that a broker can be told to prefetch, got ${figure(prefetch)}`
    },
  },
  {
    of: ['retryMinDelayMs', 'retryMaxDelayMs'],
    judge: (s) => minOverMax('', s.retryMinDelayMs, s.retryMaxDelayMs, 'retryMinDelayMs', 'retryMaxDelayMs'),
  },
  {
    of: ['crashLimit', 'deliveryLimit'],
    where: isAmqpUrl,
    judge(s) {
      if (s.deliveryLimit > s.crashLimit + 2) return undefined
      return `deliveryLimit: expected more than crashLimit + 2, ${s.crashLimit + 2}, or the queue condemns a job before it was tried alone, got ${s.deliveryLimit}`
    },
  },
  {
    of: ['handOverMs', 'rebalanceTimeoutMs'],
    where: isKafkaUrl,
    judge(s) {
      if (s.handOverMs < s.rebalanceTimeoutMs) return undefined
      return `handOverMs: expected less than rebalanceTimeoutMs, ${figure(s.rebalanceTimeoutMs)}, or the group goes on without this worker, got ${figure(s.handOverMs)}`
    },
  },
  {
    of: ['commitCount', 'concurrency'],
    where: isKafkaUrl,
    judge(s) {
      if (s.commitCount >= s.concurrency) return undefined
      return `commitCount: expected at least concurrency, ${figure(s.concurrency)}, or slots stay empty, got ${figure(s.commitCount)}`
    },
  },
  {
    of: ['queue'],
    where: isKafkaUrl,
    judge: ({ queue }) =>
      /^\.{1,2}$/.test(queue) ? `queue: expected a name that a topic can have, got ${queue}` : undefined,
  },
  {
    of: ['tlsCertFile', 'tlsKeyFile'],
    judge(s) {
      if ((s.tlsCertFile === undefined) === (s.tlsKeyFile === undefined)) return undefined
      const [given, missing] =
        s.tlsCertFile === undefined ? ['tlsKeyFile', 'tlsCertFile'] : ['tlsCertFile', 'tlsKeyFile']
      return `${missing}: expected a file, because ${given} is given, got nothing`
    },
  },
  {
    of: ['brokerUrl', 'tlsCaFile', 'tlsCertFile', 'tlsKeyFile'],
    judge(s) {
      const given = (['tlsCaFile', 'tlsCertFile', 'tlsKeyFile'] as const).filter((name) => s[name] !== undefined)
      if (given.length === 0 || ENCRYPTED.test(s.brokerUrl)) return undefined
      return `${given.join(', ')}: expected an amqps:// or kafkas:// URL beside it, got ${s.brokerUrl.split(':', 1)[0] || 'none'}, which would not be encrypted`
    },
  },
  {
    of: ['brokerUrl', 'brokerUsername', 'brokerPassword'],
    judge(s) {
      if (s.brokerPassword === undefined && s.brokerUsername === undefined) return undefined
      const inUrl = usernameOf(s.brokerUrl) !== undefined || passwordOf(s.brokerUrl) !== undefined
      if (s.brokerPassword !== undefined && passwordOf(s.brokerUrl) !== undefined) {
        return 'brokerPassword: expected nothing, because brokerUrl holds a password, got another one'
      }
      if (s.brokerPassword !== undefined && s.brokerUsername === undefined && !inUrl) {
        return 'brokerUsername: expected a name beside brokerPassword, here or in brokerUrl, got nothing'
      }
      if (s.brokerUsername !== undefined && inUrl) {
        return 'brokerUsername: expected nothing, because brokerUrl holds a user name, got another one'
      }
      return undefined
    },
  },
  {
    of: ['brokerUrl', 'brokerUsername', 'brokerPassword'],
    where: isKafkaUrl,
    judge(s) {
      const named = (s.brokerUsername ?? usernameOf(s.brokerUrl)) !== undefined
      const proven = (s.brokerPassword ?? passwordOf(s.brokerUrl)) !== undefined
      return named && !proven ? 'brokerPassword: expected a password beside the user name, got nothing' : undefined
    },
  },
]

/** How long a drain takes at most, by its settings, in ms. */
export function drainBoundMs(settings: WorkerSettings): number {
  return settings.drainTimeoutMs + settings.abortGraceMs + settings.settlePauseMs + settings.closeTimeoutMs
}

/** The faults between settings, and between settings and the user's jobs. `faulty` names the settings that are faulty by themselves. */
export function ruleFaults(
  settings: WorkerSettings,
  definition: WorkerDefinition | undefined,
  faulty: ReadonlySet<SettingName>,
): string[] {
  const sound = (names: readonly SettingName[]) => !names.some((name) => faulty.has(name))
  const fits = (rule: Rule) => rule.where === undefined || (sound(['brokerUrl']) && rule.where(settings.brokerUrl))
  const faults = RULES.filter((rule) => sound(rule.of) && fits(rule)).map((rule) => rule.judge(settings))
  for (const job of definition?.jobs ?? []) {
    const where = `job ${job.type}: `
    if (job.timeoutMs !== undefined && sound(['consumerTimeoutMs', 'brokerUrl']) && isAmqpUrl(settings.brokerUrl)) {
      faults.push(overConsumerTimeout(`${where}timeoutMs`, job.timeoutMs, settings))
    }
    const { minDelayMs, maxDelayMs } = job.retry ?? {}
    if ((minDelayMs ?? maxDelayMs) !== undefined && sound(['retryMinDelayMs', 'retryMaxDelayMs'])) {
      const min = minDelayMs ?? settings.retryMinDelayMs
      faults.push(
        minOverMax(where, min, maxDelayMs ?? settings.retryMaxDelayMs, 'retry.minDelayMs', 'retry.maxDelayMs'),
      )
    }
  }
  return faults.filter((fault) => fault !== undefined)
}

/** What is allowed and may surprise, one sentence each. */
export function cautionsOf({ brokerUrl, offsetReset }: WorkerSettings): string[] {
  if (offsetReset !== 'latest' || !isKafkaUrl(brokerUrl)) return []
  return [
    'offsetReset is latest: jobs that are produced while the group has no committed offsets, as at zero replicas before the first start or after these have expired, are skipped and never run',
  ]
}

function overConsumerTimeout(
  name: string,
  timeoutMs: number,
  { consumerTimeoutMs }: WorkerSettings,
): string | undefined {
  if (timeoutMs < consumerTimeoutMs) return undefined
  return `${name}: expected less than consumerTimeoutMs, ${figure(consumerTimeoutMs)}, or the broker takes the job back while it runs, got ${figure(timeoutMs)}`
}

function minOverMax(where: string, min: number, max: number, minName: string, maxName: string): string | undefined {
  return min <= max ? undefined : `${where}${minName}: expected at most ${maxName}, ${figure(max)}, got ${figure(min)}`
}
