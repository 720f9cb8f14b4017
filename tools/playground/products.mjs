// Products of rows of numbers: where nearly all of the time goes.

// The product of two rows of numbers that begin somewhere in two arrays.
export function dot(a, startA, b, startB, length) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[startA + i] * b[startB + i];
  return sum;
}

// The products of all rows of a matrix with one row, into `products`; four rows at a time, which
// takes half as long as one after the other.
export function multiplyRows(matrix, row, products) {
  const length = row.length;
  const count = products.length;
  let first = 0;
  for (; first + 4 <= count; first += 4) {
    const start = first * length;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let i = 0; i < length; i++) {
      const value = row[i];
      sum0 += value * matrix[start + i];
      sum1 += value * matrix[start + length + i];
      sum2 += value * matrix[start + 2 * length + i];
      sum3 += value * matrix[start + 3 * length + i];
    }
    products[first] = sum0;
    products[first + 1] = sum1;
    products[first + 2] = sum2;
    products[first + 3] = sum3;
  }
  for (; first < count; first++) products[first] = dot(matrix, first * length, row, 0, length);
}

// Adds up the rows of a matrix, each times its weight, into `sum`.
export function addRows(matrix, weights, sum) {
  const length = sum.length;
  for (let row = 0; row < weights.length; row++) {
    const weight = weights[row];
    if (weight === 0) continue;
    const start = row * length;
    for (let i = 0; i < length; i++) sum[i] += weight * matrix[start + i];
  }
}
