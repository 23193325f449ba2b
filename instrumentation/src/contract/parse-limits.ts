/** Most features of one model; the recorder keeps under 1 KB of state for each. */
export const maxFeatures = 10_000

/** Most categories of one feature, classes of one model, or values of one segment column. */
export const maxCategories = 10_000

/** Most bounds of one histogram: 1,024 cells fill the padded search table of the recorder. */
export const maxBounds = 1023

/** Most time-ordered chunks: 168 hours of a week are what is advised, a year of hours fits. */
export const maxChunks = 10_000

/** Most features of the multivariate detector: a row costs features x components multiplications, 100 µs at this many. */
export const maxMultivariateFeatures = 500
