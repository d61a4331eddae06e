/** The example jobs, an entry of their own: `tidemill/handlers`. */
export { type GeneratedJob, type Generator, type GeneratorOptions, generators } from './generator.ts'
export { type ImageLimits, type ImageResources, imageTranscode, openImages, type Transcode } from './images.ts'
export { type Order, type OrderResources, openOrders, orderProcess, priceOrder, type Receipt } from './orders.ts'
