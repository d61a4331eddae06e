// The parts of prom-client that metrics-registry.ts imports by their own paths, which carry no types.
declare module 'prom-client/lib/registry.js' {
  import { Registry } from 'prom-client'
  export default Registry
}
declare module 'prom-client/lib/counter.js' {
  import { Counter } from 'prom-client'
  export default Counter
}
declare module 'prom-client/lib/gauge.js' {
  import { Gauge } from 'prom-client'
  export default Gauge
}
declare module 'prom-client/lib/metrics/*.js' {
  import type { Registry } from 'prom-client'

  function collect(registry: Registry, config?: object): void
  export default collect
}
