import { createApp } from './app.ts'
import { openModel, predict } from './predict.ts'
import { serve } from './serve.ts'

const session = await openModel()
serve(createApp((rows) => predict(session, rows)))
