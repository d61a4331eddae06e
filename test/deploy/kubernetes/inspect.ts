import { adapterFaults } from './adapter.ts'
import type { Fault } from './manifest.ts'
import { policyFaults } from './policy.ts'
import { networkFaults } from './policy-network.ts'
import { scalingFaults } from './policy-scaling.ts'
import { referenceFaults } from './references.ts'
import type { Render } from './render.ts'
import { schemaFaults } from './schema.ts'

/** All that is wrong with a render. `folder` is the one that it was made from. */
export function inspect(folder: string, { name, manifests }: Render): Fault[] {
  return [
    ...schemaFaults(name, manifests),
    ...referenceFaults(name, manifests),
    ...policyFaults(name, manifests),
    ...scalingFaults(name, manifests),
    ...networkFaults(name, manifests),
    ...adapterFaults(folder, name, manifests),
  ]
}
