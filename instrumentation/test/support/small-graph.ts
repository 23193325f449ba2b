/** A graph model: softmax(x · weights) over two columns, as the converter of TensorFlow.js would write it. */
export function smallGraph(): {
  readonly modelTopology: object
  readonly weightSpecs: { name: string; shape: number[]; dtype: 'float32' }[]
  readonly weightData: ArrayBuffer
  readonly format: string
} {
  const float = { type: 'DT_FLOAT' }
  const shape = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size: String(size) })) })
  return {
    format: 'graph-model',
    modelTopology: {
      node: [
        { name: 'x', op: 'Placeholder', attr: { dtype: float, shape: { shape: shape(-1, 2) } } },
        {
          name: 'weights',
          op: 'Const',
          attr: { dtype: float, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shape(2, 2) } } },
        },
        {
          name: 'product',
          op: 'MatMul',
          input: ['x', 'weights'],
          attr: { T: float, transpose_a: { b: false }, transpose_b: { b: false } },
        },
        { name: 'probabilities', op: 'Softmax', input: ['product'], attr: { T: float } },
      ],
      library: {},
      versions: { producer: 1 },
    },
    weightSpecs: [{ name: 'weights', shape: [2, 2], dtype: 'float32' }],
    weightData: Float32Array.of(1, 0, 0, 1).buffer,
  }
}
