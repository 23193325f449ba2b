/** As much of onnxruntime-node as the benchmark uses; it is no dependency of the root. */
export interface OnnxRuntime {
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object
  readonly InferenceSession: {
    readonly prototype: Session
    create(path: string, options: object): Promise<Session>
  }
}

export interface Session {
  run(feeds: Readonly<Record<string, object>>): Promise<Record<string, { readonly data: ArrayLike<unknown> }>>
}
