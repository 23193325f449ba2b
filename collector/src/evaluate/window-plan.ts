/** How a model's time is cut. All in milliseconds. */
export interface WindowPlan {
  /** Length of the window that distances and tests are computed on. */
  readonly sizeMs: number
  /** Length of the disjoint slices that evidence advances on; divides `sizeMs`. */
  readonly everyMs: number
  /** How long after the end of a slice its evaluation waits for late data. */
  readonly graceMs: number
}

export interface Slice {
  readonly startMs: number
  readonly endMs: number
  /** Start of the sliding window that ends with this slice. */
  readonly windowStartMs: number
}

/** The slice that starts at `startMs`. */
export function sliceAt(plan: WindowPlan, startMs: number): Slice {
  const endMs = startMs + plan.everyMs
  return { startMs, endMs, windowStartMs: endMs - plan.sizeMs }
}

/** Whether a slice is complete: its end and the grace period have passed. */
export function isDue(plan: WindowPlan, startMs: number, nowMs: number): boolean {
  return startMs + plan.everyMs + plan.graceMs <= nowMs
}
