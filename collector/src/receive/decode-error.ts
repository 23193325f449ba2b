/** A body that is not a well-formed export request. Its message says what is wrong and where. */
export class OtlpDecodeError extends Error {
  override name = 'OtlpDecodeError'
  /** Field path, as in `resource_metrics[0].scope_metrics[2]` (protobuf) or `resourceMetrics[0]` (JSON); may be empty. */
  readonly path: string
  /** Byte at which decoding stopped; absent for JSON, whose parser does not say. */
  readonly offset: number | undefined
  readonly problem: string

  constructor(problem: string, path: string, offset?: number) {
    const place = [path, offset === undefined ? '' : `byte ${offset}`].filter((part) => part !== '').join(', ')
    super(place === '' ? problem : `${problem} (${place})`)
    this.problem = problem
    this.path = path
    this.offset = offset
  }
}
