import {
  ThresholdsConfigBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsMode,
  MappingType,
  SpecialValueMatch,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { ThresholdsConfig, FieldColor, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import { statusCodes, alertStateCodes } from '@driftline/collector/influx-schema'

/**
 * One colour means one thing on every dashboard. They can be told apart with the common kinds of colour blindness, and each is named
 * in words wherever it stands for a status.
 */
export const colours = {
  ok: '#3BB273',
  unknown: '#9AA5B1',
  attention: '#E1BC29',
  bad: '#D7263D',
  /** What the model saw in the window. */
  window: '#3772FF',
  /** What it was trained on. */
  baseline: '#8D6A9F',
  estimated: '#F18F01',
} as const

/** Statuses of windows and results, in words. */
export const statusMappings: ValueMapping[] = [
  valueMapping({
    [statusCodes.ok]: ['ok', colours.ok],
    [statusCodes.insufficient]: ['too little data', colours.unknown],
    [statusCodes.error]: ['not judged', colours.attention],
    [statusCodes.drift]: ['drift', colours.bad],
  }),
  absentMapping('no data'),
]

export const alertMappings: ValueMapping[] = [
  valueMapping({
    [alertStateCodes.resolved]: ['resolved', colours.ok],
    [alertStateCodes.pending]: ['pending', colours.attention],
    [alertStateCodes.firing]: ['firing', colours.bad],
  }),
  absentMapping('none'),
]

export const ruleMappings: ValueMapping[] = [
  valueMapping({ 0: ['calm', colours.ok], 1: ['broken', colours.bad] }),
  absentMapping('not judged'),
]

/** Colour steps from low to high: the first is the colour below the first limit. */
export function steps(first: string, ...limits: readonly (readonly [number, string])[]): Builder<ThresholdsConfig> {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: first }, ...limits.map(([value, color]) => ({ value, color }))])
}

/** A status code as its colour. */
export const statusSteps: Builder<ThresholdsConfig> = steps(
  colours.ok,
  [statusCodes.insufficient, colours.unknown],
  [statusCodes.error, colours.attention],
  [statusCodes.drift, colours.bad],
)

export const byThreshold: Builder<FieldColor> = new FieldColorBuilder().mode(FieldColorModeId.Thresholds)
export const byName: Builder<FieldColor> = new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName)

export function fixedColour(colour: string): Builder<FieldColor> {
  return new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor(colour)
}

function valueMapping(texts: Readonly<Record<number, readonly [string, string]>>): ValueMapping {
  return {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      Object.entries(texts).map(([value, [text, color]], index) => [value, { text, color, index }]),
    ),
  }
}

function absentMapping(text: string): ValueMapping {
  return {
    type: MappingType.SpecialValue,
    options: { match: SpecialValueMatch.NullAndNan, result: { text, color: colours.unknown, index: 9 } },
  }
}
