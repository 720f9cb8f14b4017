// The best possible denoiser of one image's patches, in closed form: no network, no training.
//
// A noisy patch is q = a p + s n: a clean patch p of the photograph, and noise n ~ N(0, I). Bayes'
// rule then gives the mean of all clean patches that q may come from,
//
//     E[p | q] = sum_j w_j p_j,    w = softmax_j(-|q - a p_j|^2 / (2 s^2)).
//
// The same as rendering/denoiser.py, where the sources are named. All functions return
// {means, matches}: the means E[p | q], (q, d), and the number of the likeliest patch for each.

import { roundHalfEven } from "./images.mjs";
import { addRows, dot, multiplyRows } from "./products.mjs";

const NEGLIGIBLE = 25;  // difference of logits from which on a weight is taken as 0
const NUM_KEPT = 4;  // candidates that are weighed exactly
const NUM_NEIGHBORS = 2;  // matches along each axis that propose candidates

// How likely a patch is at a place before anything is seen: likelier at about its own height.
// Returns log-probabilities for every row of the grid, (m,) each.
export function heightPrior(grid, table, sigma) {
  const [rows, columns] = table.shape;
  return grid.starts[0].map((start) => {
    const gridHeight = start / Math.max(1, grid.size[0] - grid.side);
    const logProbability = new Float32Array(table.length);
    for (let number = 0; number < table.length; number++) {
      const tableHeight = Math.floor(number / columns) / Math.max(1, rows - 1);
      logProbability[number] = -0.5 * ((gridHeight - tableHeight) / sigma) ** 2;
    }
    return logProbability;
  });
}

// Weighs all patches of the image.
//
// queries: noisy patches q, (q, d). a: share of the image in them. s: standard deviation of their
// noise, above 0. prior: as from heightPrior, or null; columns: of the grid, patches in a row.
export function denoiseExact(queries, table, a, s, prior, columns) {
  const length = table.patchLength;
  const numQueries = queries.length / length;
  const { patches, squares } = table;
  const means = new Float32Array(queries.length);
  const matches = new Int32Array(numQueries);
  const logits = new Float32Array(table.length);
  const variance = s * s;

  for (let query = 0; query < numQueries; query++) {
    // |q - a p|^2 = |q|^2 - 2 a q p + a^2 |p|^2, and |q|^2 is the same for all patches.
    const q = new Float64Array(queries.subarray(query * length, (query + 1) * length));
    multiplyRows(patches, q, logits);
    const priorOfRow = prior ? prior[Math.floor(query / columns)] : null;
    for (let j = 0; j < table.length; j++) {
      logits[j] = (a * logits[j] - a * a / 2 * squares[j]) / variance;
      if (priorOfRow) logits[j] += priorOfRow[j];
    }
    matches[query] = findLargest(logits);
    const mean = means.subarray(query * length, (query + 1) * length);
    addRows(patches, softmax(logits, logits[matches[query]]), mean);
  }
  return { means, matches };
}

function findLargest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

// Turns logits into weights with the sum 1. Those below e^-25 change no number of 32 bits: they
// become zeros, which need not be added.
function softmax(logits, largest) {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const difference = logits[i] - largest;
    logits[i] = difference < -NEGLIGIBLE ? 0 : Math.exp(difference);
    sum += logits[i];
  }
  for (let i = 0; i < logits.length; i++) logits[i] /= sum;
  return logits;
}

// Weighs the best few of some candidates.
//
// The distances to all candidates are estimated from principal components; those to the best four
// are exact. candidates: numbers of patches in the table, (q, c), ascending in each row.
export function denoiseNear(queries, candidates, table, a, s) {
  const length = table.patchLength;
  const numQueries = queries.length / length;
  const numCandidates = candidates.length / numQueries;
  const means = new Float32Array(queries.length);
  const matches = new Int32Array(numQueries);
  for (let i = 0; i < numQueries; i++) {
    const query = queries.subarray(i * length, (i + 1) * length);
    const numbers = candidates.subarray(i * numCandidates, (i + 1) * numCandidates);
    const kept = chooseNearest(query, numbers, table, a);
    matches[i] = weigh(query, kept, table, a, s, means.subarray(i * length, (i + 1) * length));
  }
  return { means, matches };
}

// The candidates that seem nearest to a query, the nearest first, judged by principal components.
function chooseNearest(query, numbers, table, a) {
  const { components, centeredSquares } = table;
  const { mean, basis } = table.principal;
  const length = query.length;
  const numComponents = basis.length / length;
  const centered = new Float64Array(length);
  for (let i = 0; i < length; i++) centered[i] = query[i] - a * mean[i];
  const projected = new Float64Array(numComponents);
  multiplyRows(basis, centered, projected);

  const kept = [];
  const closenessOfKept = [];
  for (let j = 0; j < numbers.length; j++) {
    const number = numbers[j];
    // A patch that was proposed twice must not count twice.
    if (j > 0 && number === numbers[j - 1]) continue;

    // Estimate: 2 a q p - a^2 |p|^2, the larger the nearer.
    const product = dot(components, number * numComponents, projected, 0, numComponents);
    const closeness = 2 * a * product - a * a * centeredSquares[number];
    let place = kept.length;
    while (place > 0 && closenessOfKept[place - 1] < closeness) place--;
    if (place === NUM_KEPT) continue;
    kept.splice(place, 0, number);
    closenessOfKept.splice(place, 0, closeness);
    kept.length = Math.min(kept.length, NUM_KEPT);
    closenessOfKept.length = kept.length;
  }
  return kept;
}

// Weighs a few patches exactly: writes their mean, returns the number of the likeliest.
function weigh(query, numbers, table, a, s, mean) {
  const length = table.patchLength;
  const { squares } = table;
  const patches = new Float32Array(numbers.length * length);
  const logits = new Float32Array(numbers.length);
  numbers.forEach((number, i) => {
    table.copy(number, patches, i * length);
    const product = dot(patches, i * length, query, 0, length);
    logits[i] = (2 * a * product - a * a * squares[number]) / (2 * s * s);
  });
  const best = findLargest(logits);
  addRows(patches, softmax(logits, logits[best]), mean);
  return numbers[best];
}

// Proposes patches around the places where neighboring patches were found before.
//
// Neighbors in the image mostly come from neighbors in the photograph, so a patch is looked for
// where its neighbors' matches continue, one pixel around. Both may be of a coarser size: matches
// are numbers in the old table of the patches of the old grid.
export function searchNearMatches(matches, oldGrid, oldTable, grid, table) {
  const rowNeighbors = nearestStarts(oldGrid, grid, 0);
  const columnNeighbors = nearestStarts(oldGrid, grid, 1);
  const numbers = [];
  for (const rows of rowNeighbors) {
    for (const columns of columnNeighbors) {
      const ofPatch = [];
      for (const row of rows) {
        for (const column of columns) {
          const match = matches[row.index * oldGrid.shape[1] + column.index];
          propose(match, row.distance, column.distance, oldTable, table, ofPatch);
        }
      }
      numbers.push(Int32Array.from(ofPatch).sort());
    }
  }

  const numCandidates = numbers[0].length;
  const candidates = new Int32Array(numbers.length * numCandidates);
  numbers.forEach((row, i) => candidates.set(row, i * numCandidates));
  return candidates;
}

// Appends the nine numbers around the place where a match continues, `down` and `right` of it.
function propose(match, down, right, oldTable, table, numbers) {
  const [rows, columns] = table.shape;
  const oldColumns = oldTable.shape[1];
  const rowRatio = table.image.height / oldTable.image.height;
  const columnRatio = table.image.width / oldTable.image.width;
  const oldY = Math.floor(match / oldColumns) + down;
  const oldX = match % oldColumns + right;
  const y = roundHalfEven(rescaleStart(oldY, table.side, rowRatio));
  const x = roundHalfEven(rescaleStart(oldX, table.side, columnRatio));
  for (let dy = -1; dy <= 1; dy++) {
    const row = Math.max(0, Math.min(rows - 1, y + dy));
    for (let dx = -1; dx <= 1; dx++) {
      const column = Math.max(0, Math.min(columns - 1, x + dx));
      numbers.push(row * columns + column);
    }
  }
}

// For every patch along an axis its nearest old patches, and how far it is from them in old pixels.
// Of two that are equally near, the first.
function nearestStarts(oldGrid, grid, axis) {
  const ratio = oldGrid.size[axis] / grid.size[axis];
  return grid.starts[axis].map((start) => {
    const scaled = rescaleStart(start, grid.side, ratio);
    const neighbors = oldGrid.starts[axis].map((oldStart, index) => {
      return { index, distance: scaled - oldStart };
    });
    neighbors.sort((one, other) => Math.abs(one.distance) - Math.abs(other.distance));
    return neighbors.slice(0, NUM_NEIGHBORS);
  });
}

// Where a patch lies when an image is resized: its center moves, its side stays.
function rescaleStart(start, side, ratio) {
  const center = side / 2;
  return (start + center) * ratio - center;
}
