import { demoOrders } from './demo-jobs.ts'
import { rootOfProcess } from './slow-orders.ts'

export default demoOrders(rootOfProcess('demo'))
