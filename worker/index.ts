/** The public API of tidemill. Nothing inside the package imports this file. */
export { type MemoryBroker, memoryBroker } from './brokers/memory/index.ts'
export type { WorkerSettings } from './config.ts'
export type {
  Backlog,
  BacklogReading,
  Broker,
  BrokerSettings,
  DeadReason,
  Delivery,
  Features,
  Logger,
  Message,
  Observer,
  Outcome,
  Outgoing,
  RetryReason,
  Sink,
  Source,
  Topology,
  TopologyFault,
  TopologyItem,
  WorkerEvent,
  WorkerState,
} from './contracts.ts'
export type {
  Codec,
  Context,
  FailureReport,
  InlineJob,
  Job,
  JobDefinition,
  JobHandler,
  RetryPolicy,
  ThreadJob,
  WorkerDefinition,
} from './define.ts'
export { defineJob, defineWorker } from './define.ts'
export {
  ConfigError,
  type ErrorCode,
  InvalidPayloadError,
  LeaseLostError,
  PermanentError,
  RetryLater,
  ShutdownError,
  TidemillError,
  TimeoutError,
} from './errors.ts'
export { createProducer, type EnqueueOptions, type Producer, type ProducerOptions } from './producer.ts'
export { type RunJobOptions, runJob } from './run-job.ts'
export { defineThreadHandler, type ThreadHandler } from './threads/handler.ts'
export { createWorker, type DrainReport, type Worker, type WorkerOptions } from './worker.ts'
