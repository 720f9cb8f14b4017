// The page: what is chosen, what is asked of the workers, and what is shown.
//
// SCENES and SIV_GAN are written by tools/build_page.py.

import canvas from "../../siv_lite/widgets/canvas.js";
import strip from "../../siv_lite/widgets/strip.js";
import { Film } from "./film.mjs";
import { Model } from "./model.mjs";
import { PageError, download, encodeBmp, readPhotograph } from "./photograph.mjs";
import { sampleLatents } from "./random.mjs";
import { resample, walkBetween } from "./siv_gan.mjs";
import { readBase64 } from "./weights.mjs";
import { startWorker } from "./workers.mjs";

const NUM_SEEDS = 8;  // that the strip offers
const SECOND_SEED = 100;  // where the walk leads to
const FIRST_REDRAW_SEED = 1000;  // of parts that are drawn anew
const RENDER_STRENGTH = 0.55;  // of patch diffusion's small images, as in Python
const SETTLE_TIME = 120;  // milliseconds that a slider must rest
const LATENT_SIZE = SIV_GAN.layers[0].shape[1];
const LATENT_LENGTH = LATENT_SIZE * SIV_GAN.grid[0] * SIV_GAN.grid[1];

const METHODS = {
  diffusion: {
    name: "Patch diffusion",
    text: "No network, nothing is trained. Noise becomes a scene step by step: every patch turns "
      + "into the mean of the photograph's patches that it may come from.",
    noiseText: "Noise at the start",
    noise: { min: 0.1, value: 1 },
  },
  gan: {
    name: "SIV-GAN",
    text: "A small network that has seen only this image decides what stands where; the image's "
      + "patches draw it. Click on the scene: that part is drawn anew.",
    noiseText: "Noise of the rendering",
    noise: { min: 0, value: RENDER_STRENGTH },
  },
};

const state = {
  method: "diffusion",
  photographs: [],  // {name, pixels, note}
  chosen: -1,  // of the photographs; none yet
  seed: 0,
  firstSeed: 0,  // of the strip
  edit: null,  // the newest part that was drawn anew: {before, after, region, walk, previous}
  numRedrawn: 0,
};
const thumbnails = new Map();  // what it was drawn with, see thumbnailKey -> a BMP file
let number = 0;  // of the scene that is being drawn
let begin = 0;  // when its drawing began
let timer = null;  // until the sliders rest

const find = (id) => document.getElementById(id);
const sketcher = startWorker(hear);  // makes small images
const painter = startWorker(hear);  // renders them

// Images.

const photographModel = new Model({
  image: new ArrayBuffer(0), text: "The photograph", name: "photograph", is_smooth: true,
  aspect: 0, grid: [], region: [], sources: new ArrayBuffer(0), source_grid: [], patch: [],
});
const sceneModel = new Model({
  ...photographModel.values, text: "A new scene", source_grid: [1, 1],
}, ({ region }) => redraw(region));
const photographStrip = new Model(
  { images: [], texts: [], chosen: 0, can_drop: false },
  ({ index }) => choosePhotograph(index),
);
const seedStrip = new Model(
  { images: [], texts: [], chosen: 0, can_drop: false },
  ({ index }) => chooseSeed(state.firstSeed + index),
);

const film = new Film(
  { slider: find("step"), button: find("play"), caption: find("step-text") },
  ({ pixels, isSmooth, sources, patch }) => {
    const update = { image: encodeBmp(pixels).buffer, is_smooth: isSmooth };
    update.source_grid = sources ? sources.grid : [1, 1];
    update.patch = patch ?? [];
    update.sources = sources ? new DataView(sources.places.buffer) : new ArrayBuffer(0);
    sceneModel.update(update);
  },
);

// Drawing.

function photograph() {
  return state.photographs[state.chosen];
}

function isDiffusion() {
  return state.method === "diffusion";
}

function sliderValue(id) {
  return Number(find(id).value);
}

// What thumbnails depend on.
function thumbnailKey(seed) {
  const { chosen } = state;
  if (isDiffusion()) return [chosen, sliderValue("patch-size"), sliderValue("noise"), seed].join();
  return ["gan", sliderValue("variety"), seed].join();
}

function latentsOf(seed) {
  return sampleLatents(1, LATENT_LENGTH, seed)[0];
}

function scaleLatents(latents) {
  const variety = sliderValue("variety");
  return latents.map((value) => variety * value);
}

// The latents of the scene, before their variety.
function findLatents() {
  const { edit, seed } = state;
  const walk = sliderValue("walk");
  if (edit) return walkBetween(edit.before, edit.after, walk);
  return walkBetween(latentsOf(seed), latentsOf(SECOND_SEED), walk);
}

// Draws the scene that everything asks for, first small, then rendered.
function draw() {
  number++;
  begin = performance.now();
  film.clear();
  painter.postMessage({ task: "stop", number });
  sceneModel.update({ region: state.edit?.region ?? [] });
  showControls();
  showStatus("Drawing ...");
  find("problem").textContent = "";
  find("scene").ariaBusy = "true";
  if (isDiffusion()) {
    askForDiffusion([state.seed], true);
  } else {
    askForGan([scaleLatents(findLatents())], [state.seed], "small");
  }
}

function drawSoon() {
  showControls();
  clearTimeout(timer);
  timer = setTimeout(draw, SETTLE_TIME);
}

function askForDiffusion(seeds, isFilm) {
  const patchSize = sliderValue("patch-size");
  const strength = sliderValue("noise");
  sketcher.postMessage({ task: "diffuse", number, seeds, patchSize, strength, isFilm });
}

function askForGan(latents, seeds, kind) {
  sketcher.postMessage({ task: "generate", number, latents, seeds, kind });
}

// What the workers say.

function hear(message) {
  if (message.number !== number) return;
  const { kind } = message;
  if (kind === "step") showStep(message);
  if (kind === "small") showSmall(message);
  if (kind === "thumbnail") showThumbnail(message);
  if (kind === "rendered") showRendered(message);
}

function showStep({ noisy, s, sources, patch }) {
  const percent = Math.round(100 * s);
  const size = `${noisy.width} x ${noisy.height} pixels`;
  // Nobody wants to see a scene become noise again: rendering is watched later.
  const isRendering = film.isRendering;
  const text = `${isRendering ? "Rendering" : "Drawing"}: ${size}, ${percent} % noise`;
  film.add({ pixels: noisy, text, isSmooth: false, sources, patch }, isRendering);
}

function showSmall({ image, pixels, seed }) {
  const { sources, patch } = film.frames.at(-1) ?? {};
  const text = `${pixels.width} x ${pixels.height} pixels after ${secondsSoFar()}`;
  film.add({ pixels, text, isSmooth: true, sources, patch });
  film.isRendering = true;
  const strength = isDiffusion() ? RENDER_STRENGTH : sliderValue("noise");
  painter.postMessage({ task: "render", number, image, strength, seed });
  showStatus("Rendering with the photograph's patches ...");
  askForThumbnails();
}

function showRendered({ pixels }) {
  const { sources, patch } = film.frames.at(-1);
  const text = `${pixels.width} x ${pixels.height} pixels after ${secondsSoFar()}`;
  film.add({ pixels, text, isSmooth: true, sources, patch }, true);
  film.end();
  showStatus(sources ? "Point at the scene: its patch lights up in the photograph." : "");
  find("download").disabled = false;
  find("scene").ariaBusy = "false";
}

function secondsSoFar() {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}

function askForThumbnails() {
  const missing = shownSeeds().filter((seed) => !thumbnails.has(thumbnailKey(seed)));
  if (isDiffusion()) {
    askForDiffusion(missing, false);
  } else {
    const latents = missing.map((seed) => scaleLatents(latentsOf(seed)));
    askForGan(latents, missing, "thumbnail");
  }
}

function showThumbnail({ pixels, seed }) {
  thumbnails.set(thumbnailKey(seed), encodeBmp(pixels));
  showSeeds();
}

// What is shown.

function shownSeeds() {
  return Array.from({ length: NUM_SEEDS }, (_, i) => state.firstSeed + i);
}

function showSeeds() {
  const { height, width } = photograph().pixels;
  const bytes = new Uint8Array(3 * height * width).fill(224);
  const empty = encodeBmp({ height, width, bytes });
  const seeds = shownSeeds();
  const chosen = state.edit ? -1 : seeds.indexOf(state.seed);
  seedStrip.update({
    texts: seeds.map((seed) => `Seed ${seed}`),
    chosen,
    images: seeds.map((seed) => thumbnails.get(thumbnailKey(seed)) ?? empty),
  });
}

function showPhotographs() {
  photographStrip.update({
    texts: state.photographs.map(({ name }) => name),
    chosen: state.chosen,
    images: state.photographs.map(({ pixels }) => encodeBmp(pixels)),
  });
  const { pixels, note } = photograph();
  const aspect = pixels.width / pixels.height;
  photographModel.update({ image: encodeBmp(pixels).buffer, aspect });
  sceneModel.update({ aspect });
  document.body.style.setProperty("--aspect", aspect);
  find("note").textContent = note;
}

function showControls() {
  for (const name of Object.keys(METHODS)) {
    find(name).ariaPressed = String(name === state.method);
  }
  document.body.dataset.method = state.method;
  find("method-text").textContent = METHODS[state.method].text;
  find("noise-text").textContent = METHODS[state.method].noiseText;
  find("noise-value").textContent = `${Math.round(100 * sliderValue("noise"))} %`;
  find("patch-size-value").textContent = `${sliderValue("patch-size")} pixels`;
  find("undo").disabled = state.edit === null;
  find("download").disabled = true;
  showSeeds();
}

function showStatus(text) {
  find("status").textContent = text;
}

// What visitors do.

function chooseMethod(name) {
  state.method = name;
  const { min, value } = METHODS[name].noise;
  Object.assign(find("noise"), { min, value });
  sceneModel.update({ grid: name === "gan" ? SIV_GAN.grid : [] });
  if (name === "gan") showPhotograph(0);  // the network knows no other
  chooseSeed(state.seed);
}

function showPhotograph(index) {
  if (index === state.chosen) return;
  state.chosen = index;
  showPhotographs();
  for (const worker of [sketcher, painter]) {
    worker.postMessage({ task: "photograph", pixels: photograph().pixels });
  }
  painter.postMessage({ task: "prepare" });
}

function choosePhotograph(index) {
  showPhotograph(index);
  if (isDiffusion()) {
    chooseSeed(state.seed);
  } else {
    chooseMethod("diffusion");
  }
}

function chooseSeed(seed) {
  state.seed = seed;
  state.edit = null;
  find("walk").value = 0;
  if (!shownSeeds().includes(seed)) state.firstSeed = seed;
  draw();
}

// Draws a region anew; the walk then leads from the scene before to the scene after.
function redraw(region) {
  const before = findLatents();
  const seed = FIRST_REDRAW_SEED + state.numRedrawn++;
  const fresh = sampleLatents(2, LATENT_LENGTH, seed)[1];
  const after = resample(before, fresh, SIV_GAN.grid, region);
  state.edit = { before, after, region, walk: sliderValue("walk"), previous: state.edit };
  find("walk").value = 1;
  draw();
}

function undo() {
  find("walk").value = state.edit.walk;
  state.edit = state.edit.previous;
  draw();
}

async function openFile(file) {
  if (!file) return;
  try {
    await addPhotograph(file, file.name);
    choosePhotograph(state.photographs.length - 1);
  } catch (error) {
    if (!(error instanceof PageError)) throw error;
    find("problem").textContent = error.message;
  }
}

async function addPhotograph(file, name, longest) {
  const { pixels, note } = await readPhotograph(file, name, longest);
  state.photographs.push({ name, pixels, note });
}

function drop(event) {
  event.preventDefault();
  document.body.classList.remove("is-dragged-over");
  openFile(event.dataTransfer.files[0]);
}

function dragOver(event) {
  event.preventDefault();
  document.body.classList.add("is-dragged-over");
}

function saveScene() {
  const { pixels } = film.frames.at(-1);
  download(pixels, `${photograph().name}, ${METHODS[state.method].name}, seed ${state.seed}.png`);
}

function listen() {
  for (const name of Object.keys(METHODS)) find(name).onclick = () => chooseMethod(name);
  for (const id of ["patch-size", "noise", "walk", "variety"]) find(id).oninput = drawSoon;
  find("next").onclick = () => chooseSeed(state.seed + 1);
  find("more").onclick = () => {
    state.firstSeed += NUM_SEEDS;
    chooseSeed(state.firstSeed);
  };
  find("undo").onclick = undo;
  find("download").onclick = saveScene;
  find("file").onchange = ({ target }) => {
    openFile(target.files[0]);
    target.value = "";  // the same file again is a choice, too
  };
  document.addEventListener("dragover", dragOver);
  document.addEventListener("dragleave", () => document.body.classList.remove("is-dragged-over"));
  document.addEventListener("drop", drop);
}

async function start() {
  canvas.render({ model: photographModel, el: find("photograph") });
  canvas.render({ model: sceneModel, el: find("scene") });
  strip.render({ model: photographStrip, el: find("photographs") });
  strip.render({ model: seedStrip, el: find("seeds") });
  for (const { name, data } of SCENES) {
    await addPhotograph(new Blob([readBase64(data)]), name, Infinity);
  }
  sketcher.postMessage({ task: "weights", packed: SIV_GAN });
  listen();
  showPhotograph(0);
  chooseMethod("diffusion");
}

start();
