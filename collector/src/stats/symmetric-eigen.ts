/** Sweeps after which rotations no longer help; ten are enough for a thousand columns. */
const maxSweeps = 60

export interface SymmetricEigen {
  /** Falling. */
  readonly values: Float64Array
  /** One eigenvector of length 1 per row, in the order of the values; its largest entry is positive. */
  readonly vectors: readonly Float64Array[]
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix.
 *
 * A = Vᵀ diag(λ) V, by cyclic Jacobi rotations: each makes one entry off the diagonal zero, and sweeps over all of them converge
 * quadratically. Slower than reducing to a tridiagonal matrix first, but short, and accurate for small eigenvalues too. An eigenvector is
 * only determined up to its sign, which is chosen so that its largest entry is positive (the first of equals).
 * Error: about 1e-15 of the largest eigenvalue. Cost: about 8 sweeps of 4 n³ operations; 20 columns 0.3 ms, 500 columns some seconds.
 *
 * @param matrix row-major, size x size, symmetric, finite; it is not changed
 * @see Rutishauser, The Jacobi method for real symmetric matrices, Numerische Mathematik 9 (1966); Golub and Van Loan, Matrix
 *   Computations (4th edition, 2013), 8.5.
 * @example symmetricEigen(Float64Array.of(2, 1, 1, 2), 2).values // 3, 1
 */
export function symmetricEigen(matrix: Float64Array, size: number): SymmetricEigen {
  const a = matrix.slice()
  const rows = Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(size)
    row[i] = 1
    return row
  })
  const negligible = (Number.EPSILON / 4) * (frobenius(a) / Math.max(1, size))
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let rotations = 0
    for (let p = 0; p < size - 1; p++) {
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(a[p * size + q]!) <= negligible) continue
        rotations++
        rotate(a, rows, size, p, q)
      }
    }
    if (rotations === 0) break
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((x, y) => a[y * size + y]! - a[x * size + x]!)
  return {
    values: Float64Array.from(order, (i) => a[i * size + i]!),
    vectors: order.map((i) => withLargestPositive(rows[i]!)),
  }
}

function frobenius(a: Float64Array): number {
  let sum = 0
  for (const entry of a) sum += entry * entry
  return Math.sqrt(sum)
}

/** Turns rows and columns p and q so that their common entry becomes 0. */
function rotate(a: Float64Array, vectors: readonly Float64Array[], size: number, p: number, q: number): void {
  const off = a[p * size + q]!
  const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * off)
  // The smaller of the two angles; Math.hypot keeps large ratios from overflowing.
  const tangent = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1))
  const cosine = 1 / Math.sqrt(tangent * tangent + 1)
  const sine = tangent * cosine
  const atP = p * size
  const atQ = q * size
  const diagonalP = a[atP + p]! - tangent * off
  const diagonalQ = a[atQ + q]! + tangent * off
  for (let i = 0, fromP = p, fromQ = q; i < size; i++, fromP += size, fromQ += size) {
    const x = a[atP + i]!
    const y = a[atQ + i]!
    a[atP + i] = a[fromP] = cosine * x - sine * y
    a[atQ + i] = a[fromQ] = sine * x + cosine * y
  }
  a[atP + p] = diagonalP
  a[atQ + q] = diagonalQ
  a[atP + q] = a[atQ + p] = 0
  const first = vectors[p]!
  const second = vectors[q]!
  for (let i = 0; i < size; i++) {
    const x = first[i]!
    const y = second[i]!
    first[i] = cosine * x - sine * y
    second[i] = sine * x + cosine * y
  }
}

function withLargestPositive(vector: Float64Array): Float64Array {
  let largest = 0
  for (const entry of vector) if (Math.abs(entry) > Math.abs(largest)) largest = entry
  return largest < 0 ? vector.map((entry) => -entry) : vector
}
