import { demoOrders, foldersOfProcess } from './demo-jobs.ts'

export default demoOrders(foldersOfProcess())
