import type { WorkerDefinition } from './define.ts'
import { passwordOf } from './redact.ts'
import { figure } from './setting.ts'
import type { SettingName, WorkerSettings } from './settings-table.ts'

interface Rule {
  /** The settings that it compares; it is not asked when one of them is faulty by itself. */
  readonly of: readonly SettingName[]
  /** The fault, or nothing. */
  judge(settings: WorkerSettings): string | undefined
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
    judge: (s) => overConsumerTimeout('jobTimeoutMs', s.jobTimeoutMs, s),
  },
  {
    of: ['concurrency', 'readAhead'],
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
    judge(s) {
      if (s.deliveryLimit > s.crashLimit + 2) return undefined
      return `deliveryLimit: expected more than crashLimit + 2, ${s.crashLimit + 2}, or the queue condemns a job before it was tried alone, got ${s.deliveryLimit}`
    },
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
      if (given.length === 0 || s.brokerUrl.startsWith('amqps:')) return undefined
      return `${given.join(', ')}: expected an amqps:// URL beside it, got ${s.brokerUrl.split(':', 1)[0] || 'none'}, which would not be encrypted`
    },
  },
  {
    of: ['brokerUrl', 'brokerUsername', 'brokerPassword'],
    judge(s) {
      if (s.brokerPassword === undefined && s.brokerUsername === undefined) return undefined
      const inUrl = URL.parse(s.brokerUrl)?.username !== '' || passwordOf(s.brokerUrl) !== undefined
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
  const faults = RULES.filter((rule) => sound(rule.of)).map((rule) => rule.judge(settings))
  for (const job of definition?.jobs ?? []) {
    const where = `job ${job.type}: `
    if (job.timeoutMs !== undefined && sound(['consumerTimeoutMs'])) {
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
