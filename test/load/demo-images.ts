import { demoImages } from './demo-jobs.ts'
import { rootOfProcess } from './slow-orders.ts'

export default demoImages(rootOfProcess('demo'))
