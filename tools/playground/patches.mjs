// Patches: cut out of images on a grid, averaged where they overlap, and looked up in a table.
//
// The same as rendering/patches.py for single images. A patch has side x side pixels and is written
// as one row of d = 3 * side * side numbers; its position is that of its first pixel.

import { findPrincipalComponents } from "./components.mjs";
import { makeImage } from "./images.mjs";
import { dot, multiplyRows } from "./products.mjs";
import { RandomGenerator } from "./random.mjs";

const WINDOW_SIGMA = 0.3;  // of half a patch: pixels in the middle of a patch count most
const NUM_COMPONENTS = 32;  // principal components of a patch, enough to find candidates
const NUM_COMPONENT_PATCHES = 4000;  // that the components are computed from

// Copies the patch at (y, x) of an image to a place of an array.
function copyPatch(image, side, y, x, target, offset) {
  const { height, width, values } = image;
  for (let channel = 0; channel < 3; channel++) {
    for (let row = 0; row < side; row++) {
      const start = (channel * height + y + row) * width + x;
      for (let column = 0; column < side; column++) target[offset++] = values[start + column];
    }
  }
}

// Overlapping patches at regular places of an image, such that every pixel is covered.
//
// size: [H, W]. starts: the positions of the patches along each axis, ascending. shape: their
// number along each axis. weights: for each axis and patch how much its pixels count in the mean.
export class PatchGrid {
  constructor(size, side, stride) {
    this.size = size;
    this.side = side;
    this.starts = size.map((length) => gridStarts(length, side, stride));
    this.shape = this.starts.map((starts) => starts.length);
    this.weights = size.map((length, axis) => averageWeights(length, this.starts[axis], side));
  }

  get length() {
    return this.shape[0] * this.shape[1];
  }

  // Cuts out all patches, (q, d).
  extract(image) {
    const patchLength = 3 * this.side * this.side;
    const patches = new Float32Array(this.length * patchLength);
    let offset = 0;
    for (const y of this.starts[0]) {
      for (const x of this.starts[1]) {
        copyPatch(image, this.side, y, x, patches, offset);
        offset += patchLength;
      }
    }
    return patches;
  }

  // Puts patches back; where they overlap, takes their mean under a Gaussian window.
  average(patches) {
    const [height, width] = this.size;
    const result = makeImage(height, width);
    let place = 0;  // in the patches, one number after the other
    this.starts[0].forEach((y, i) => {
      this.starts[1].forEach((x, j) => {
        for (let channel = 0; channel < 3; channel++) {
          for (let row = 0; row < this.side; row++) {
            const start = (channel * height + y + row) * width + x;
            const rowWeight = this.weights[0][i][row];
            for (let column = 0; column < this.side; column++) {
              const weight = rowWeight * this.weights[1][j][column];
              result.values[start + column] += weight * patches[place++];
            }
          }
        }
      });
    });
    return result;
  }

  // For every pixel along an axis: which patch counts most there.
  nearestPatch(axis) {
    const nearest = new Int32Array(this.size[axis]);
    const largest = new Float32Array(this.size[axis]);
    this.starts[axis].forEach((start, patch) => {
      this.weights[axis][patch].forEach((weight, offset) => {
        if (weight <= largest[start + offset]) return;
        largest[start + offset] = weight;
        nearest[start + offset] = patch;
      });
    });
    return nearest;
  }
}

// The positions of patches along one axis: every `stride`, and always the last one.
function gridStarts(size, side, stride) {
  const last = size - side;
  const starts = [];
  for (let start = 0; start < last; start += stride) starts.push(start);
  return [...starts, last];
}

// How much every pixel of every patch counts in the mean, along one axis; the weights that meet in
// a pixel have the sum 1.
function averageWeights(size, starts, side) {
  const center = (side - 1) / 2;
  const sigma = WINDOW_SIGMA * Math.max(center, 1);
  const window = new Float32Array(side);
  for (let i = 0; i < side; i++) window[i] = Math.exp(-0.5 * ((i - center) / sigma) ** 2);

  const sums = new Float64Array(size);
  for (const start of starts) {
    for (let i = 0; i < side; i++) sums[start + i] += window[i];
  }
  return starts.map((start) => window.map((weight, i) => weight / sums[start + i]));
}

// All patches of an image, to be looked up by number = y * columns + x.
//
// What is expensive is computed when it is first used.
export class PatchTable {
  constructor(image, side) {
    this.image = image;
    this.side = side;
    this.shape = [image.height - side + 1, image.width - side + 1];
    this.length = this.shape[0] * this.shape[1];
    this.patchLength = 3 * side * side;
  }

  // Copies the patch of a number to the beginning of an array.
  copy(number, target, offset = 0) {
    const columns = this.shape[1];
    const y = Math.floor(number / columns);
    copyPatch(this.image, this.side, y, number % columns, target, offset);
  }

  // All patches, (m, d); only small tables are asked for them.
  get patches() {
    return this.keep("patches", () => {
      const patches = new Float32Array(this.length * this.patchLength);
      for (let i = 0; i < this.length; i++) this.copy(i, patches, i * this.patchLength);
      return patches;
    });
  }

  // The squared length |p|^2 of every patch, (m,).
  get squares() {
    return this.keep("squares", () => {
      const ones = new Float32Array(this.patchLength).fill(1);
      const { height, width, values } = this.image;
      const squared = makeImage(height, width, values.map((value) => value * value));
      return convolve(squared, ones, this.side);
    });
  }

  // The mean of some patches, (d,), and their principal components, (k, d): the directions in which
  // they differ most.
  get principal() {
    return this.keep("principal", () => {
      const numSome = Math.min(this.length, NUM_COMPONENT_PATCHES);
      const chosen = new RandomGenerator(0).permutation(this.length).subarray(0, numSome);
      const some = new Float32Array(numSome * this.patchLength);
      chosen.forEach((number, i) => this.copy(number, some, i * this.patchLength));
      return findPrincipalComponents(some, this.patchLength, NUM_COMPONENTS);
    });
  }

  // The components of every patch p - mean, (m, k).
  get components() {
    return this.keep("components", () => {
      const { mean, basis } = this.principal;
      const numComponents = basis.length / this.patchLength;
      const centered = new Float64Array(this.patchLength);
      const components = new Float32Array(this.length * numComponents);
      for (let number = 0; number < this.length; number++) {
        this.copy(number, centered);
        for (let i = 0; i < centered.length; i++) centered[i] -= mean[i];
        const start = number * numComponents;
        multiplyRows(basis, centered, components.subarray(start, start + numComponents));
      }
      return components;
    });
  }

  // The squared length |p - mean|^2 of every patch, (m,).
  get centeredSquares() {
    return this.keep("centeredSquares", () => {
      const { mean } = this.principal;
      const products = convolve(this.image, mean, this.side);  // p . mean
      const ofMean = dot(mean, 0, mean, 0, this.patchLength);
      return this.squares.map((square, i) => square - 2 * products[i] + ofMean);
    });
  }

  // Computes at once what candidates are compared by.
  prepare() {
    return [this.components, this.centeredSquares];
  }

  // Computes something at its first use and keeps it.
  keep(name, compute) {
    this.kept ??= {};
    this.kept[name] ??= compute();
    return this.kept[name];
  }
}

// The products of a kernel (d,) with the patches at all positions, (m,).
function convolve(image, kernel, side) {
  const { height, width, values } = image;
  const rows = height - side + 1;
  const columns = width - side + 1;
  const result = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++) {
    const line = result.subarray(y * columns, (y + 1) * columns);
    let place = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let row = 0; row < side; row++) {
        const start = (channel * height + y + row) * width;
        for (let column = 0; column < side; column++) {
          const factor = kernel[place++];
          const first = start + column;
          for (let x = 0; x < columns; x++) line[x] += factor * values[first + x];
        }
      }
    }
  }
  return result;
}
