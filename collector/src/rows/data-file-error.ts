/** A file of rows that can not be read, or that does not hold what was asked for; the message names the file and the place. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError'
  /** The file as the user named it. */
  readonly file: string

  /** `place` is such as `line 12` or `row 12`. */
  constructor(file: string, message: string, options: { readonly place?: string; readonly cause?: unknown } = {}) {
    const { place, cause } = options
    super(`${file}${place === undefined ? '' : `, ${place}`}: ${message}`, cause === undefined ? {} : { cause })
    this.file = file
  }
}
