import { type Command, JSON_FLAG, textOf, wholeOf } from '../command.ts'
import { runTrial } from '../trial.ts'

/** `tidemill demo` */
export const demo: Command = {
  usage: '[options]',
  help: `Starts a RabbitMQ or a Kafka (or takes the one of TIDEMILL_BROKER_URL), sends orders, images and one poison order through
real worker processes, ends one worker with SIGTERM in the middle, and counts from files that nothing was lost and nothing
done twice. Shows it live on stderr.

Exit codes: 0 nothing was lost or duplicated, 1 something was, or the demo failed, 2 a faulty call.`,
  flags: {
    broker: {
      type: 'string',
      value: 'BROKER',
      help: 'rabbitmq, kafka, memory, or a URL. Default: what TIDEMILL_BROKER_URL names, else rabbitmq.',
    },
    orders: { type: 'string', value: 'N', help: 'How many orders. Default 2,000.' },
    images: { type: 'string', value: 'N', help: 'How many images. Default 60.' },
    'no-install': { type: 'boolean', help: 'Do not install a broker where it is missing.' },
    json: JSON_FLAG,
  },
  shownSettings: [],
  takesSettings: false,
  arguments: { min: 0, max: 0 },
  async run(call) {
    const orders = wholeOf(call, 'orders') ?? 2_000
    const { runDemo } = await import('../../test/load/demo.ts')
    const { summaryOf } = await import('../../test/load/demo-report.ts')
    return runTrial(call, async (signal) => {
      const report = await runDemo({
        broker: textOf(call, 'broker'),
        orders,
        images: wholeOf(call, 'images') ?? 60,
        install: call.values['no-install'] !== true,
        out: process.stderr,
        signal,
      })
      return { lines: summaryOf(report, orders), report }
    })
  },
}
