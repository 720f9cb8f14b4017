// Computes with the scripts of the page without a browser and prints what came out as JSON.
//     node tests/playground.mjs INPUT.json
// See tests/test_page.py, which computes the same in Python.
import { readFileSync } from 'node:fs';
import { denoiseExact } from '../tools/playground/denoiser.mjs';
import { fromBytes, makeImage, reducedSize, resizePixels } from '../tools/playground/images.mjs';
import { PatchDiffusion } from '../tools/playground/patch_diffusion.mjs';
import { RandomGenerator, sampleLatents } from '../tools/playground/random.mjs';
import { Renderer } from '../tools/playground/render.mjs';
import { pixelSources } from '../tools/playground/sampler.mjs';
import { Generator, resample, walkBetween } from '../tools/playground/siv_gan.mjs';
import { unpackWeights } from '../tools/playground/weights.mjs';

const input = JSON.parse(readFileSync(process.argv[2]));
const output = {};
const last = (steps) => [...steps].at(-1);

// Random numbers.
output.normal = [...new RandomGenerator(5).normal(100)];
output.permutation = [...new RandomGenerator(0).permutation(5000)];

// The generator: latents of a seed, a walk, a region drawn anew.
const generator = new Generator(unpackWeights(input.weights));
const length = generator.latentShape.reduce((a, b) => a * b);
const latents = sampleLatents(2, length, 7);
output.latents = [...latents[1]];
output.generated = [...generator.generate(Float32Array.from(input.latents)).values];
output.walked = [...walkBetween(latents[0], latents[1], 0.3)];
const region = [0.2, 0.5, 0.6, 1];
output.resampled = [...resample(latents[0], latents[1], input.weights.grid, region)];

// Patch diffusion: one step of the denoiser, then a whole image.
const photograph = { height: input.height, width: input.width, bytes: input.photograph };
const small = resizePixels(photograph, ...reducedSize(input.height, input.width, 64));
output.small = [...small.bytes];
const diffusion = new PatchDiffusion(fromBytes(small), input.patchSize);
const { grid, table, prior } = diffusion.levels[0];
const noisy = makeImage(...grid.size, Float32Array.from(input.noise));
const step = denoiseExact(grid.extract(noisy), table, 0.4, 0.6, prior, grid.shape[1]);
output.denoised = [...grid.average(step.means).values];
output.matches = [...step.matches];
const image = last(diffusion.generate(diffusion.sampleLatents(3))).image;
output.diffused = [...image.values];

// Rendering, and where the pixels come from.
const renderer = new Renderer(fromBytes(photograph));
const rendered = last(renderer.render(image, 0.55, 3));
output.rendered = [...rendered.image.values];
output.sources = [...pixelSources(rendered.matches, rendered.level, [input.height, input.width])];

console.log(JSON.stringify(output));
