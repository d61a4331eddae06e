import type { Script } from '../../.ci/script.ts'
import { type Call, JSON_FLAG, textOf, wholeOf } from '../../bin/command.ts'
import { TidemillError } from '../../worker/errors.ts'
import { BOUTS } from './kafka/bouts.ts'
import { SCENARIOS } from './scenarios.ts'

/** `npm run bench` */
export const BENCH: Script = {
  name: 'bench',
  usage: '[options]',
  help: `tidemill against the loops that people write by hand, on amqplib or on kafkajs: ratios by round, their medians, and what it
holds at rest. The aims stand beside the figures; nothing here passes or fails because of them.

Exit codes: 0 it was measured, 1 it could not be, 2 a faulty call.`,
  flags: {
    broker: { type: 'string', value: 'BROKER', help: 'rabbitmq (default), kafka, or the URL of one.' },
    rounds: { type: 'string', value: 'N', help: 'How often each pair or group is measured. Default 5.' },
    jobs: { type: 'string', value: 'N', help: 'How many jobs a round has. Default 60,000, on Kafka 300,000.' },
    only: { type: 'string', value: 'WORDS', help: 'Measure only what has these words in its name.' },
    quick: { type: 'boolean', help: 'Two rounds of fewer jobs.' },
    profile: { type: 'boolean', help: "Write a CPU profile of tidemill's consumer under each load instead." },
    'no-install': { type: 'boolean', help: 'Do not install a broker where it is missing.' },
    json: JSON_FLAG,
  },
  arguments: { min: 0, max: 0 },
}

/** A benchmark as it is asked for. */
export interface BenchRequest {
  /** `rabbitmq`, `kafka` or a URL. */
  readonly broker: string
  readonly install: boolean
  readonly rounds: number | undefined
  readonly jobs: number | undefined
  /** Stands in the name of what is measured; empty: all of it. */
  readonly only: string
  readonly isQuick: boolean
  readonly isProfile: boolean
  readonly isJson: boolean
}

/** @throws TidemillError `USAGE` */
export function requestOf(call: Call): BenchRequest {
  const broker = textOf(call, 'broker') ?? 'rabbitmq'
  if (!/^((rabbitmq|kafka)$|(amqps?|kafkas?):)/.test(broker)) {
    throw new TidemillError('USAGE', `--broker: expected rabbitmq, kafka or the URL of one, got ${broker}`)
  }
  const isProfile = call.values['profile'] === true
  const only = textOf(call, 'only') ?? ''
  const names = namesOf(broker.startsWith('kafka'), isProfile)
  if (!names.some((name) => name.includes(only))) {
    const known = names.map((name) => JSON.stringify(name)).join(', ')
    throw new TidemillError('USAGE', `--only: expected words of ${known}, got ${JSON.stringify(only)}`)
  }
  return {
    broker,
    install: call.values['no-install'] !== true,
    rounds: wholeOf(call, 'rounds', 1),
    jobs: wholeOf(call, 'jobs', 1),
    only,
    isQuick: call.values['quick'] === true,
    isProfile,
    isJson: call.values['json'] === true,
  }
}

function namesOf(isKafka: boolean, isProfile: boolean): string[] {
  const loads: readonly { readonly name: string }[] = isKafka ? BOUTS : SCENARIOS
  const besides = isProfile ? [] : [isKafka ? 'idle' : 'start']
  return [...loads.map(({ name }) => name), ...besides]
}
