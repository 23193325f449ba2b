import { largestShareDifference } from '../../stats/largest-share-difference.ts'
import { kolmogorovSmirnov, missingShare } from './measure.ts'
import { checkOf, verdictOn, type Preset, type PresetInput } from './preset.ts'

const comparisonThreshold = 0.1

/**
 * SageMaker Model Monitor's data quality constraints: Kolmogorov-Smirnov D of numbers, largest difference of a share of
 * categories, at `comparison_threshold` 0.1. Beside it, and not part of `drift`: completeness below that of the baseline.
 *
 * Differences: this is the `Simple` comparison; `Robust` corrects for small samples in a way that is not documented. D is that
 * of the cells, within the stated bound of the raw one. Attributions (NDCG below 0.90) are not received yet.
 *
 * Source: awsdocs/amazon-sagemaker-developer-guide (2023-06), `comparison_threshold`.
 */
export const sagemaker: Preset = {
  title: "SageMaker Model Monitor's default threshold 0.1",
  judge(input) {
    const also = completeness(input)
    if (input.kind === 'numeric') {
      return verdictOn(input, { ...kolmogorovSmirnov(input), relation: '>=', threshold: comparisonThreshold, also })
    }
    return verdictOn(input, {
      statistic: 'largest difference of a share',
      value: largestShareDifference(input.baseline.counts, input.window.counts),
      relation: '>=',
      threshold: comparisonThreshold,
      also,
    })
  },
}

function completeness(input: PresetInput) {
  const before = missingShare(input, 'baseline')
  const now = missingShare(input, 'window')
  return before === null || now === null ? [] : [checkOf('completeness', 1 - now, '<', 1 - before)]
}
