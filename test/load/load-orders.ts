import { loadOrders } from './load-jobs.ts'
import { rootOfProcess } from './slow-orders.ts'

export default loadOrders(rootOfProcess('load'))
