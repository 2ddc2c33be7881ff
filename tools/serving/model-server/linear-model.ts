/** The demo's model: y = W x + b, with 8 features and 2 classes. */
export const FEATURES = 8;
export const CLASSES = 2;
const WEIGHTS = [
  [0.5, -0.25, 0.125, 1, -1, 0.75, -0.5, 0.25],
  [-0.1, 0.2, -0.3, 0.4, -0.5, 0.6, -0.7, 0.8],
];
const BIAS = [0.1, -0.2];

/**
 * Scores rows of features.
 * @param x float32, shape [n, FEATURES], row by row
 * @returns float32, shape [n, CLASSES]; sums are taken in float64, in the order of the features, and rounded
 * once
 */
export function linear(x: Float32Array): Float32Array {
  const rows = x.length / FEATURES;
  const y = new Float32Array(rows * CLASSES);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < CLASSES; k++) {
      let sum = BIAS[k] ?? 0;
      for (let f = 0; f < FEATURES; f++) sum += (WEIGHTS[k]?.[f] ?? 0) * (x[row * FEATURES + f] ?? 0);
      y[row * CLASSES + k] = sum;
    }
  }
  return y;
}
