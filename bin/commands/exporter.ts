import { openBroker } from '../../worker/brokers/index.ts'
import { secretsOf } from '../../worker/config.ts'
import { messageOf } from '../../worker/errors.ts'
import { openHttp } from '../../worker/http.ts'
import { createLog, logObserver } from '../../worker/log.ts'
import { createQueueMetrics } from '../../worker/metrics-queue.ts'
import { ProbeBoard } from '../../worker/probe.ts'
import { listenForSignals } from '../../worker/signals.ts'
import type { Command } from '../command.ts'
import { settingsOf } from '../setup.ts'

/** A scrape has ten seconds by default. */
const READ_TIMEOUT_MS = 8_000

/** `tidemill exporter` */
export const exporter: Command = {
  usage: '<file> | --queue NAME [options]',
  help: `Serves the backlog of a queue at /metrics: how many jobs are ready, unacknowledged, waiting, suspect and dead. Run one replica
of it for a queue, also while there are no workers; workers themselves don't export it.

The broker is asked when it is scraped, at most once in --backlog-cache-ms. What can't be read is absent, never 0.`,
  flags: {},
  shownSettings: ['brokerUrl', 'queue', 'managementUrl', 'httpPort', 'backlogCacheMs', 'logLevel'],
  arguments: { min: 0, max: 1 },
  async run(call) {
    const signals = listenForSignals()
    const asked = new Promise<void>((resolve) => signals.handle(() => resolve()))
    const { settings } = await settingsOf(call, call.positionals[0])
    const log = createLog({ level: settings.logLevel, secrets: secretsOf(settings), fields: { queue: settings.queue } })
    const broker = await openBroker(settings, (event) => logObserver(log).event(event))
    const backlog = broker.backlog()
    const board = new ProbeBoard()
    const metrics = createQueueMetrics({
      queue: settings.queue,
      backlog,
      cacheMs: settings.backlogCacheMs,
      timeoutMs: READ_TIMEOUT_MS,
      failed: (error) => log.warn({ error: messageOf(error) }, "the backlog can't be read"),
      now: () => performance.now(),
      processMetrics: true,
    })
    const http = await openHttp({
      host: settings.httpHost,
      port: settings.httpPort,
      board,
      limits: settings,
      metrics,
      metricsTimeoutMs: READ_TIMEOUT_MS + 500,
      failed: (error) => log.error({ err: error }, 'the server of the metrics failed'),
    })
    board.state = 'running'
    log.info({ port: http.port }, "serving the queue's backlog")
    await asked
    board.state = 'draining'
    await http.close()
    await backlog.close()
    signals.stop()
    log.info({}, 'ending')
    return 0
  },
}
