// Draws in the background. There are two of these, one for each core: one makes small images, the
// other renders them.
//
// Messages in: {task, number, ...}. A message with a higher number ends the work for lower ones.
// Messages out: {number, kind, ...}, see `describe`.

import { fromBytes, makeImage, reducedSize, resizePixels, toBytes } from "./images.mjs";
import { IMAGE_SIZE, PatchDiffusion } from "./patch_diffusion.mjs";
import { Renderer } from "./render.mjs";
import { pixelSources } from "./sampler.mjs";
import { Generator } from "./siv_gan.mjs";
import { unpackWeights } from "./weights.mjs";

const CELL_PIXELS = 3;  // side of a cell of the image whose source is known to the page, in pixels

let newestNumber = 0;
let generator = null;
let photograph = null;  // pixels
let renderer = null;
let diffusions = new Map();  // patch size -> PatchDiffusion

const TASKS = {
  weights: setWeights, photograph: setPhotograph, prepare, diffuse, generate, render, stop,
};

function setWeights({ packed }) {
  generator = new Generator(unpackWeights(packed));
}

function setPhotograph({ pixels }) {
  photograph = pixels;
  renderer = new Renderer(fromBytes(pixels));
  diffusions = new Map();
}

// Prepares to render images of patch diffusion, while the other worker draws the first.
function prepare() {
  const [height, width] = reducedSize(photograph.height, photograph.width, IMAGE_SIZE);
  const levels = renderer.prepare({ height, width });
  for (const { table } of levels.slice(1)) table.prepare();
}

// Patch diffusion draws a small image of every seed; of a film every step is shown.
async function diffuse({ number, seeds, patchSize, strength, isFilm }) {
  const diffusion = prepareDiffusion(patchSize);
  for (const seed of seeds) {
    const steps = diffusion.generate(diffusion.sampleLatents(seed), strength);
    const last = await follow(steps, number, isFilm);
    if (last === null) return;
    finish(number, isFilm ? "small" : "thumbnail", last.image, seed);
  }
}

function prepareDiffusion(patchSize) {
  if (!diffusions.has(patchSize)) {
    const size = reducedSize(photograph.height, photograph.width, IMAGE_SIZE);
    const small = fromBytes(resizePixels(photograph, ...size));
    diffusions.set(patchSize, new PatchDiffusion(small, patchSize));
  }
  return diffusions.get(patchSize);
}

// SIV-GAN generates a small image of each of some latents.
async function generate({ number, latents, seeds, kind }) {
  for (let i = 0; i < latents.length; i++) {
    if (number < newestNumber) return;
    finish(number, kind, generator.generate(latents[i]), seeds[i]);
    await pause();
  }
}

async function render({ number, image, strength, seed }) {
  const { height, width, values } = image;
  const small = makeImage(height, width, values);
  const last = await follow(renderer.render(small, strength, seed), number, true);
  if (last !== null) finish(number, "rendered", last.image, seed);
}

// Takes all steps and shows them. Returns the last, or null if there is something newer to do.
async function follow(steps, number, isShown) {
  let last = null;
  for (const step of steps) {
    if (isShown) postMessage({ number, kind: "step", ...describe(step) });
    last = step;
    await pause();
    if (number < newestNumber) return null;
  }
  return last;
}

// Messages are heard while nothing else is done.
function pause() {
  return new Promise((resolve) => { setTimeout(resolve); });
}

// What the page shows of a step: pixels before and after, the share of noise, and the sources.
function describe({ level, noisy, image, matches, s }) {
  const shown = { pixels: toBytes(image), s, sources: null };
  if (level === null) return { ...shown, noisy: shown.pixels };

  const size = [photograph.height, photograph.width];
  const sources = pixelSources(matches, level, size);
  const { side, image: scaled } = level.table;
  const { height, width } = image;
  shown.noisy = toBytes(noisy);
  shown.sources = findPlaces(sources, height, width, size);
  shown.patch = [side / height, side / width, side / scaled.height, side / scaled.width];
  return shown;
}

// The middle of every third pixel's source in fractions of the photograph; as find_places in
// widgets/canvas.py.
function findPlaces(sources, height, width, size) {
  const middle = Math.floor(CELL_PIXELS / 2);
  const places = [];
  let rows = 0;
  for (let row = middle; row < height; row += CELL_PIXELS) {
    for (let column = middle; column < width; column += CELL_PIXELS) {
      const place = 2 * (row * width + column);
      places.push((sources[place] + 0.5) / size[0], (sources[place + 1] + 0.5) / size[1]);
    }
    rows++;
  }
  const grid = [rows, places.length / 2 / rows];
  return { grid, places: Float32Array.from(places) };
}

// A higher number alone ends the work.
function stop() {}

function finish(number, kind, image, seed) {
  postMessage({ number, kind, image, pixels: toBytes(image), seed });
}

globalThis.onmessage = ({ data }) => {
  newestNumber = Math.max(newestNumber, data.number ?? 0);
  TASKS[data.task](data);
};
