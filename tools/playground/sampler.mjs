// From noise to images: the denoiser of patches applied step by step, from coarse to fine sizes.
//
// The same as rendering/sampler.py for single images. The functions with a star stop after every
// step and show what there is so far, so that a page can draw it, or stop.

import { denoiseExact, denoiseNear, heightPrior, searchNearMatches } from "./denoiser.mjs";
import { clampValues, makeImage, resize, roundHalfEven } from "./images.mjs";
import { PatchGrid, PatchTable } from "./patches.mjs";
import { RandomGenerator } from "./random.mjs";

export const PATCH_SIDE = 9;  // pixels
const STRIDE = 3;  // pixels between neighboring patches
const NUM_NOISE_LEVELS = 10;  // between pure noise and the image, equally far apart
const LATER_NOISE = 0.35;  // that every size but the first begins with
const MIN_NOISE = 0.05;  // assumed by the last step, so that equally good patches are averaged

// Goes through all sizes, from coarse to fine.
//
// start: an image of the first level's size. levels: as from makeLevels. strength: the noise that
// the first level begins with, above 0 and at most 1. seed: of the noise. noise: that of the first
// level, 3 * h * w values; by default drawn from the seed. The last step shows the result.
export function* draw(start, levels, strength, seed, noise = null) {
  const generator = new RandomGenerator(seed);
  let result = start;
  let matches = null;
  for (let index = 0; index < levels.length; index++) {
    const level = levels[index];
    const base = resize(result, ...level.grid.size);
    let levelNoise = noise;
    if (index > 0 || noise === null) levelNoise = generator.normal(base.values.length);

    const firstNoise = index === 0 ? strength : Math.min(strength, LATER_NOISE);
    const previous = index > 0 ? levels[index - 1] : null;
    for (const step of drawLevel(base, levelNoise, firstNoise, level, previous, matches)) {
      yield step;
      result = step.image;
      matches = step.matches;
    }
  }
}

// Covers an image with noise and removes it step by step (DDIM, deterministic).
//
// base: an image of this size: the start, or the coarser result enlarged. noise: N(0, 1). previous:
// the coarser level, null for the first; matches: of its patches. Every step shows {level, noisy,
// image, matches, s}: what was denoised and what came out, and where its patches come from.
export function* drawLevel(base, noise, firstNoise, level, previous, matches) {
  const { grid, table } = level;
  const steps = noiseLevels(firstNoise);
  let oldGrid = previous?.grid;
  let oldTable = previous?.table;
  let x = mix(1 - steps[0], base, steps[0], makeImage(...grid.size, noise));

  for (let step = 0; step < steps.length; step++) {
    const s = steps[step];  // x = a x0 + s n with a + s = 1
    const a = 1 - s;
    const isLast = step === steps.length - 1;
    const sigma = Math.max(s, MIN_NOISE);

    // Denoise every patch. At the first size all patches are candidates; later those near the
    // matches so far.
    const queries = grid.extract(x);
    let found;
    if (previous === null) {
      found = denoiseExact(queries, table, a, sigma, level.prior, grid.shape[1]);
    } else {
      const candidates = searchNearMatches(matches, oldGrid, oldTable, grid, table);
      found = denoiseNear(queries, candidates, table, a, sigma);
      oldGrid = grid;
      oldTable = table;
    }
    matches = found.matches;
    let clean = grid.average(found.means);

    // Remove a part of the noise. The coarser size has decided what stands where.
    const noisy = x;
    const noiseLeft = mix(1 / sigma, x, -a / sigma, clean);
    if (previous !== null && !isLast) {
      const coarse = resize(clean, ...previous.grid.size);
      const blurred = resize(coarse, ...grid.size);
      clean = mix(1, mix(1, clean, -1, blurred), 1, base);
    }
    x = isLast ? clean : mix(1 - steps[step + 1], clean, steps[step + 1], noiseLeft);
    yield { level, noisy, image: clampValues(clean), matches, s };
  }
}

// The sum of two images, each times its factor.
function mix(factor, image, otherFactor, other) {
  const { height, width, values } = image;
  const sum = values.map((value, i) => factor * value + otherFactor * other.values[i]);
  return makeImage(height, width, sum);
}

// The noise of every step, from `first` down to 0.
export function noiseLevels(first) {
  const spacing = 1 / (NUM_NOISE_LEVELS - 1);
  const numLower = Math.ceil(first / spacing - 1e-6);
  const levels = [first];
  for (let index = numLower - 1; index >= 0; index--) levels.push(index * spacing);
  return levels;
}

// Prepares every size at which images are drawn.
//
// photograph: the image whose patches are used. sizes: [h, w] of the images, coarse to fine.
// heightSigma: of the first size, how far a patch may stand from the height that it has in the
// photograph: a standard deviation, as a share of the height.
export function makeLevels(photograph, sizes, { side = PATCH_SIDE, stride = STRIDE, heightSigma }) {
  const { height, width } = photograph;
  const [lastHeight, lastWidth] = sizes.at(-1);
  const photographScale = Math.min(1, Math.max(lastHeight / height, lastWidth / width));
  const levels = sizes.map((size) => {
    const share = size[0] * size[1] / (lastHeight * lastWidth);
    const scale = photographScale * Math.sqrt(share);
    const scaledHeight = Math.max(side, roundHalfEven(height * scale));
    const scaledWidth = Math.max(side, roundHalfEven(width * scale));
    const scaled = clampValues(resize(photograph, scaledHeight, scaledWidth));
    const grid = new PatchGrid(size, side, stride);
    return { grid, table: new PatchTable(scaled, side), prior: null };
  });
  levels[0].prior = heightPrior(levels[0].grid, levels[0].table, heightSigma);
  return levels;
}

// Tells where in the photograph the pixels of an image come from, as pixel_sources in Python.
//
// matches: numbers of the patches of a level. size: [H, W] of the photograph. Returns row and
// column of every pixel's source, (h, w, 2), in pixels of `size`.
export function pixelSources(matches, { grid, table }, size) {
  const [height, width] = grid.size;
  const nearestRow = grid.nearestPatch(0);
  const nearestColumn = grid.nearestPatch(1);
  const sources = new Int32Array(2 * height * width);
  let place = 0;
  for (let pixelRow = 0; pixelRow < height; pixelRow++) {
    for (let pixelColumn = 0; pixelColumn < width; pixelColumn++) {
      // The patch that counts most at the pixel, and the pixel's place inside it.
      const row = nearestRow[pixelRow];
      const column = nearestColumn[pixelColumn];
      const match = matches[row * grid.shape[1] + column];
      const y = Math.floor(match / table.shape[1]) + pixelRow - grid.starts[0][row];
      const x = match % table.shape[1] + pixelColumn - grid.starts[1][column];
      sources[place++] = Math.trunc((y + 0.5) * size[0] / table.image.height);
      sources[place++] = Math.trunc((x + 0.5) * size[1] / table.image.width);
    }
  }
  return sources;
}
