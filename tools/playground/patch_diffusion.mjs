// Patch diffusion: new images from the closed-form denoiser of one image's patches. No training.
//
// The same as methods/patch_diffusion.py at the preset "lesson": one seed is one image in both.

import { makeImage, resize, roundHalfEven } from "./images.mjs";
import { sampleLatents } from "./random.mjs";
import { enlargementSizes } from "./render.mjs";
import { draw, makeLevels } from "./sampler.mjs";

export const IMAGE_SIZE = 64;  // longest side of the images, in pixels
const COARSEST_SIDE = 24;  // of the shorter side, in pixels
const HEIGHT_SIGMA = 0.15;  // how far a patch may stand from its own height, a share of the height
const NOISE_SEED = 0;  // of the finer sizes, the same for all images

export class PatchDiffusion {
  // photograph: reduced to IMAGE_SIZE. patchSize: P, in pixels.
  constructor(photograph, patchSize) {
    const { height, width } = photograph;
    const coarsestSide = Math.max(COARSEST_SIDE, patchSize);
    const reduction = Math.min(1, coarsestSide / Math.min(height, width));
    const coarsest = [roundHalfEven(height * reduction), roundHalfEven(width * reduction)];
    const sizes = enlargementSizes(coarsest, [height, width]);
    this.photograph = photograph;
    this.levels = makeLevels(photograph, sizes, { side: patchSize, heightSigma: HEIGHT_SIGMA });
    this.coarsest = coarsest;
  }

  // The noise of one image at the coarsest size.
  sampleLatents(seed) {
    const [height, width] = this.coarsest;
    return sampleLatents(1, 3 * height * width, seed)[0];
  }

  // Draws an image step by step; the last step is the result.
  //
  // strength: 1 begins with noise alone, as Python does; less with the photograph under noise, so
  // that more of it stays.
  *generate(latents, strength = 1) {
    const [height, width] = this.coarsest;
    const start = strength < 1 ? resize(this.photograph, height, width) : makeImage(height, width);
    yield* draw(start, this.levels, strength, NOISE_SEED, latents);
  }
}
