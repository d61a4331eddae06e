import { demoImages, foldersOfProcess } from './demo-jobs.ts'

export default demoImages(foldersOfProcess())
