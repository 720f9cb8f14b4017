// The generator of SIV-GAN: from latents through a small map to an image.
//
// The same as Generator in methods/siv_gan.py with spatial latents. Maps are {height, width,
// values}, (C, h, w). Weights are spectrally normalized: W / sigma; see nn/spectral_norm.py.

import { makeImage } from "./images.mjs";

const LEAKY_SLOPE = 0.2;

export class Generator {
  // weights: name -> {values, shape}, as tools/build_page.py writes them.
  constructor(weights) {
    this.weights = weights;
    this.latentShape = [weights.project.shape[1], ...weights.grid];
    this.numBlocks = weights.numBlocks;
  }

  // Generates an image in [-1, 1] from latents, (latent_size, rows, columns).
  generate(latents) {
    const [, height, width] = this.latentShape;
    let x = this.convolve({ height, width, values: latents }, "project");
    for (let block = 0; block < this.numBlocks; block++) x = this.runBlock(x, block);
    const rgb = this.convolve(x, `blocks.${this.numBlocks - 1}.to_rgb`);
    return makeImage(rgb.height, rgb.width, rgb.values.map(Math.tanh));
  }

  // A residual block. Main path: leaky ReLU, x2, conv 3x3, leaky ReLU, conv 3x3. Shortcut: conv
  // 1x1, x2. The first block does not double the size.
  runBlock(x, block) {
    const doubled = (map) => (block > 0 ? enlargeTwice(map) : map);
    const shortcut = doubled(this.convolve(x, `blocks.${block}.shortcut`));
    const first = this.convolve(doubled(leakyRelu(x)), `blocks.${block}.first`);
    const second = this.convolve(leakyRelu(first), `blocks.${block}.second`);
    return { ...second, values: second.values.map((value, i) => value + shortcut.values[i]) };
  }

  // A convolution with zeros around the map, which keeps its height and width.
  convolve({ height, width, values }, name) {
    const { weight, bias, shape } = this.weights[name];
    const [numOut, numIn, side] = shape;
    const result = new Float32Array(numOut * height * width);
    const area = height * width;
    for (let out = 0; out < numOut; out++) {
      const target = result.subarray(out * area, (out + 1) * area);
      if (bias) target.fill(bias[out]);
      for (let channel = 0; channel < numIn; channel++) {
        const source = values.subarray(channel * area, (channel + 1) * area);
        const taps = (out * numIn + channel) * side * side;
        addTaps(source, target, height, width, weight, taps, side);
      }
    }
    return { height, width, values: result };
  }
}

// Adds one channel, shifted and weighed by every tap of a kernel.
function addTaps(source, target, height, width, weight, taps, side) {
  const radius = (side - 1) / 2;
  for (let tap = 0; tap < side * side; tap++) {
    const down = Math.floor(tap / side) - radius;
    const right = tap % side - radius;
    const factor = weight[taps + tap];
    const top = Math.max(0, -down);
    const bottom = Math.min(height, height - down);
    const left = Math.max(0, -right);
    const end = Math.min(width, width - right);
    for (let y = top; y < bottom; y++) {
      const from = (y + down) * width + right;
      const to = y * width;
      for (let x = left; x < end; x++) target[to + x] += factor * source[from + x];
    }
  }
}

function leakyRelu(map) {
  const values = map.values.map((value) => (value < 0 ? LEAKY_SLOPE * value : value));
  return { ...map, values };
}

// Every pixel becomes two by two.
function enlargeTwice({ height, width, values }) {
  const numChannels = values.length / (height * width);
  const result = new Float32Array(4 * values.length);
  let place = 0;
  for (let row = 0; row < 2 * height * numChannels; row++) {
    const start = (row >> 1) * width;
    for (let column = 0; column < 2 * width; column++) {
      result[place++] = values[start + (column >> 1)];
    }
  }
  return { height: 2 * height, width: 2 * width, values: result };
}

// Walks from latents to others on an arc, so that half way, too, they are N(0, 1); as walk_between.
export function walkBetween(first, second, walk) {
  const angle = walk * Math.PI / 2;
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  return first.map((value, i) => {
    return value === second[i] ? value : cosine * value + sine * second[i];
  });
}

// Draws the latents of a region anew and keeps all others; as Run.resample.
//
// region: [top, left, bottom, right] as fractions of the image's sides. fresh: the new latents.
export function resample(latents, fresh, [rows, columns], [top, left, bottom, right]) {
  const [firstRow, lastRow] = touchedCells(top, bottom, rows);
  const [firstColumn, lastColumn] = touchedCells(left, right, columns);
  return latents.map((value, i) => {
    const row = Math.floor(i / columns) % rows;
    const column = i % columns;
    const isInRows = row >= firstRow && row <= lastRow;
    const isInColumns = column >= firstColumn && column <= lastColumn;
    return isInRows && isInColumns ? fresh[i] : value;
  });
}

// The first and the last of `count` equal parts of [0, 1] that an interval touches.
function touchedCells(start, end, count) {
  const rounded = (value) => Math.round(value * count * 1e6) / 1e6;  // 3/7 * 7 shall be 3
  const first = Math.min(count - 1, Math.floor(rounded(start)));
  return [first, Math.max(first, Math.ceil(rounded(end)) - 1)];
}
