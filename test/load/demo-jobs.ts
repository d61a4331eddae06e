import { defineWorker, type WorkerDefinition } from '../../worker/define.ts'
import { imageTranscode, openImages } from '../../worker/handlers/images.ts'
import { slowOrders } from './slow-orders.ts'

/** The order worker of the demo. @param root the folder of the examples */
export function demoOrders(root: string): WorkerDefinition {
  return slowOrders(root, { queue: 'orders', concurrency: 8, waitMs: [20, 100] })
}

/** The image worker of the demo. @param root the folder of the examples */
export function demoImages(root: string): WorkerDefinition {
  return defineWorker({ queue: 'images', concurrency: 4, jobs: [imageTranscode], setup: () => openImages(root) })
}
