// Draws small images sharply, with the patches of the photograph: as rendering/render.py.

import { resize, roundHalfEven } from "./images.mjs";
import { PATCH_SIDE, draw, makeLevels } from "./sampler.mjs";

const MAX_FACTOR = 2.2;  // by which an image is enlarged from one size to the next
const MAX_START = 80;  // pixels of the longest side; larger images are reduced first
const HEIGHT_SIGMA = 0.1;  // of the first size: how far from its own height a patch may be used

// Draws with one photograph, whose patches are prepared once for each size.
export class Renderer {
  constructor(photograph) {
    this.photograph = photograph;
    this.prepared = new Map();  // sizes -> levels
  }

  // Draws an image anew at the size of the photograph, step by step; the last step is the result.
  //
  // strength: from 0, the image enlarged as it is, to 1, all drawn anew. seed: of the noise.
  *render(image, strength, seed) {
    const { height, width } = this.photograph;
    if (strength === 0) {
      yield { level: null, image: resize(image, height, width), matches: null, s: 0 };
      return;
    }
    const levels = this.prepare(image);
    yield* draw(resize(image, ...levels[0].grid.size), levels, strength, seed);
  }

  // The levels from the size of an image to that of the photograph.
  prepare(image) {
    const { height, width } = this.photograph;
    const sizes = enlargementSizes(startSize(image, height, width), [height, width]);
    const key = String(sizes);
    if (!this.prepared.has(key)) {
      const levels = makeLevels(this.photograph, sizes, { heightSigma: HEIGHT_SIGMA });
      this.prepared.set(key, levels);
    }
    return this.prepared.get(key);
  }
}

// The size [h, w] at which an image is drawn first.
function startSize(image, height, width) {
  const longest = MAX_START / Math.max(image.height, image.width);
  const reduction = Math.min(1, longest, height / image.height, width / image.width);
  return [image.height, image.width].map((side) => {
    return Math.max(PATCH_SIDE, roundHalfEven(side * reduction));
  });
}

// Sizes [h, w] from `start` to `size`, about equal factors apart.
export function enlargementSizes(start, size) {
  const factor = Math.max(size[0] / start[0], size[1] / start[1], 1);
  const numEnlargements = Math.ceil(Math.log(factor) / Math.log(MAX_FACTOR));
  const sizes = [start];
  for (let index = 1; index <= numEnlargements; index++) {
    const share = index / numEnlargements;
    sizes.push([0, 1].map((axis) => {
      return roundHalfEven(start[axis] * (size[axis] / start[axis]) ** share);
    }));
  }
  sizes[sizes.length - 1] = size;
  return sizes;
}

