// Principal components by orthogonal iteration: the directions in which some rows differ most.
//
// Python asks LAPACK for all eigenvectors of the covariance. Here only the largest are found: some
// random directions are multiplied by the covariance again and again, and made orthogonal, until
// they span the space of the largest eigenvectors (Golub and Van Loan, Matrix Computations, 8.2).

import { addRows, dot, multiplyRows } from "./products.mjs";
import { RandomGenerator } from "./random.mjs";

const NUM_EXTRA = 32;  // more directions than wanted, so that the wanted ones are found soon
const NUM_ITERATIONS = 10;
const NUM_SWEEPS = 8;  // of Jacobi's method, which needs about 6

// Returns the mean of rows (n, d), and at most `count` principal components, (k, d), as one array.
export function findPrincipalComponents(rows, length, count) {
  const mean = findMean(rows, length);
  const covariance = findCovariance(rows, mean);
  const numDirections = Math.min(length, count + NUM_EXTRA);

  const noise = new RandomGenerator(0).normal(numDirections * length);
  let directions = Float64Array.from(noise);
  makeOrthonormal(directions, length);
  for (let iteration = 0; iteration < NUM_ITERATIONS; iteration++) {
    directions = multiplyEach(covariance, directions, length);
    makeOrthonormal(directions, length);
  }

  // Within the space that they span, the eigenvectors are those of a small matrix.
  const products = multiplyEach(covariance, directions, length);
  const small = [];
  for (let i = 0; i < numDirections; i++) {
    const row = new Float64Array(numDirections);
    multiplyRows(products, directions.subarray(i * length, (i + 1) * length), row);
    small.push(row);
  }
  const { values, vectors } = findEigenvectors(small);
  const order = Array.from(values.keys()).sort((i, j) => values[j] - values[i]);
  const numKept = Math.min(count, numDirections);
  const basis = new Float64Array(numKept * length);
  for (let k = 0; k < numKept; k++) {
    const factors = vectors.map((row) => row[order[k]]);
    addRows(directions, factors, basis.subarray(k * length, (k + 1) * length));
  }
  return { mean, basis: Float32Array.from(basis) };
}

function findMean(rows, length) {
  const sums = new Float64Array(length);
  for (let i = 0; i < rows.length; i++) sums[i % length] += rows[i];
  return sums.map((sum) => sum * length / rows.length);
}

// The sums of all products of centered columns, (d, d).
function findCovariance(rows, mean) {
  const length = mean.length;
  const numPadded = Math.ceil(rows.length / length / 4) * 4;  // zeros behind the last row
  const centered = new Float64Array(numPadded * length);
  for (let i = 0; i < rows.length; i++) centered[i] = rows[i] - mean[i % length];

  // Four rows at once, which takes half as long as one after the other.
  const covariance = new Float64Array(length * length);
  for (let a = 0; a < centered.length; a += 4 * length) {
    const b = a + length;
    const c = b + length;
    const d = c + length;
    for (let i = 0; i < length; i++) {
      const ai = centered[a + i];
      const bi = centered[b + i];
      const ci = centered[c + i];
      const di = centered[d + i];
      for (let j = 0; j <= i; j++) {
        const first = ai * centered[a + j] + bi * centered[b + j];
        covariance[i * length + j] += first + ci * centered[c + j] + di * centered[d + j];
      }
    }
  }

  // It is symmetric: the upper half follows from the lower.
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < i; j++) covariance[j * length + i] = covariance[i * length + j];
  }
  return covariance;
}

// A symmetric matrix times each of some vectors, (k, d).
function multiplyEach(matrix, vectors, length) {
  const products = new Float64Array(vectors.length);
  for (let start = 0; start < vectors.length; start += length) {
    const end = start + length;
    multiplyRows(matrix, vectors.subarray(start, end), products.subarray(start, end));
  }
  return products;
}

// Gram and Schmidt's method: each vector loses what it shares with those before it.
function makeOrthonormal(vectors, length) {
  for (let start = 0; start < vectors.length; start += length) {
    for (let other = 0; other < start; other += length) {
      const share = dot(vectors, start, vectors, other, length);
      for (let i = 0; i < length; i++) vectors[start + i] -= share * vectors[other + i];
    }
    const size = Math.sqrt(dot(vectors, start, vectors, start, length)) || 1;
    for (let i = 0; i < length; i++) vectors[start + i] /= size;
  }
}

// Jacobi's method for a small symmetric matrix: rotations, each of which makes one number 0.
// Returns the eigenvalues, and the eigenvectors as columns.
function findEigenvectors(matrix) {
  const size = matrix.length;
  const vectors = matrix.map((_, i) => Float64Array.from(matrix, (_, j) => Number(i === j)));
  for (let sweep = 0; sweep < NUM_SWEEPS; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) rotate(matrix, vectors, p, q);
    }
  }
  return { values: matrix.map((row, i) => row[i]), vectors };
}

function rotate(matrix, vectors, p, q) {
  if (matrix[p][q] === 0) return;
  const theta = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q]);
  const sign = theta < 0 ? -1 : 1;
  const tangent = sign / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  rotateColumns(matrix, p, q, cosine, sine);
  rotateRows(matrix, p, q, cosine, sine);
  rotateColumns(vectors, p, q, cosine, sine);
}

function rotateColumns(matrix, p, q, cosine, sine) {
  for (const row of matrix) {
    const first = row[p];
    row[p] = cosine * first - sine * row[q];
    row[q] = sine * first + cosine * row[q];
  }
}

function rotateRows(matrix, p, q, cosine, sine) {
  const rowP = matrix[p];
  const rowQ = matrix[q];
  for (let j = 0; j < rowP.length; j++) {
    const first = rowP[j];
    rowP[j] = cosine * first - sine * rowQ[j];
    rowQ[j] = sine * first + cosine * rowQ[j];
  }
}
