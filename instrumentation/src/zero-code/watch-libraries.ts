import { patchRoutes } from '../patch/http-routes/patch-routes.ts'
import { patchOnnxruntime } from '../patch/onnxruntime.ts'
import { patchTfjs } from '../patch/tfjs.ts'
import { patchTransformers } from '../patch/transformers.ts'
import { startAgent } from './running-agent.ts'

/** Patches every supported library, and starts the agent that they tell of models. */
export function watchLibraries(): void {
  startAgent((agent) => {
    patchOnnxruntime(agent)
    patchTfjs(agent)
    patchTransformers(agent)
    return patchRoutes(
      agent,
      agent.config.models.flatMap(({ config }) => (config === null ? [] : [config])),
    )
  })
}
