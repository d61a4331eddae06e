import { loadOrders } from './load-jobs.ts'

const { EXAMPLES_ROOT: root } = process.env
if (!root) throw new Error('expected EXAMPLES_ROOT in the environment: run tidemill load')

export default loadOrders(root)
