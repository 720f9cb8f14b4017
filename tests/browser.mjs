// Drives Chromium over a page with the widgets and prints what it saw as JSON.
//     node tests/browser.mjs CHROMIUM run|lab|voila URL PICTURE MOVES
// run: only run all cells of a notebook in JupyterLab; lab: and use its explorer and live training; voila: use a page.
// PICTURE is a file to upload; MOVES is how often the slider is moved to measure how long its picture takes.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [executablePath, mode, url, upload, moves] = process.argv.slice(2);
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'];
const browser = await chromium.launch({ executablePath, headless: true, args });
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
page.setDefaultTimeout(90000);
const seen = { errors: [], elsewhere: [], milliseconds: [] };
page.on('pageerror', (error) => seen.errors.push(String(error).slice(0, 300)));
page.on('console', (message) => {
  if (message.type() === 'error') seen.errors.push(message.text().slice(0, 300));
});
page.on('request', (request) => {
  if (!/^(data:|blob:|(http|ws):\/\/127\.0\.0\.1)/.test(request.url())) seen.elsewhere.push(request.url());
});

const explorer = page.locator('.siv-lite-explorer').first();
const scene = explorer.locator('.siv-lite-scene .siv-lite-frame').first();
const picture = scene.locator('img');
const slider = page.locator('.widget-hslider', { hasText: 'Walk' }).first().locator('.noUi-handle');
const seed = (number) => page.getByRole('button', { name: `Seed ${number}`, exact: true });
const button = (name) => page.getByRole('button', { name, exact: true }).first();
const text = (pattern) => page.getByText(pattern).first();
const bytes = () => picture.evaluate(async (image) => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]);
const hash = async () => createHash('sha256').update(Buffer.from(await bytes())).digest('hex').slice(0, 16);

// Waits until the explorer has rendered its picture.
async function settle() {
  await page.waitForTimeout(200);
  await page.waitForFunction(() => {
    const signs = [...document.querySelectorAll('.siv-lite-explorer .siv-lite-sign')];
    return signs.every((sign) => !sign.textContent.includes('...'));
  });
  await page.waitForTimeout(200);
}

// The hash of the rendered picture once an action has replaced it.
async function after(action) {
  const old = await picture.getAttribute('src'), begin = Date.now();
  await action();
  await page.waitForFunction(
    ([image, src]) => image.src !== src && image.complete, [await picture.elementHandle(), old], { polling: 'raf' });
  seen.milliseconds.push(Date.now() - begin);
  await settle();
  return hash();
}

async function drag(pixels) {
  const { x, y, width, height } = await slider.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width / 2 + pixels, y + height / 2, { steps: 3 });
  await page.mouse.up();
  await page.waitForTimeout(1500);
}

async function explore() {
  await slider.scrollIntoViewIfNeeded();
  await settle();
  seen.first = await hash();
  seen.key = await after(() => slider.press('ArrowRight'));
  seen.key_back = await after(() => slider.press('Home'));
  seen.mouse = await after(() => drag(60));
  seen.mouse_back = await after(() => slider.press('Home'));
  seen.resampled = await after(() => seed(3).click());
  seen.resampled_back = await after(() => seed(0).press('Enter'));
  seen.milliseconds = [];
  for (let move = 0; move < moves; move++) await after(() => slider.press('ArrowRight'));
  seen.moved = await hash();
}

const size = () => picture.evaluate((image) => [image.naturalWidth, image.naturalHeight]);

// Sizes on the screen: nothing below the fold, and as wide as the picture's own shape asks for.
async function measure() {
  await explorer.evaluate((element) => element.scrollIntoView());
  const box = await explorer.boundingBox();
  seen.fold = [box.height, box.y + box.height];
  const { width, height } = await picture.boundingBox();
  const [own_width, own_height] = await size();
  seen.distortion = (width / height) / (own_width / own_height);
  seen.share = width / box.width;
}

// A place under the pointer lights up in the photograph; a click draws its part anew; undo; a download.
async function region() {
  await slider.press('Home');
  await settle();
  const lit = explorer.locator('.siv-lite-photograph .siv-lite-lit');
  const outlined = scene.locator('.siv-lite-region');
  const { x, y, width, height } = await scene.boundingBox();
  seen.lit = [await lit.isVisible()];
  await page.mouse.move(x + 0.3 * width, y + 0.4 * height);
  seen.lit.push(await lit.isVisible());
  seen.clicked = await after(() => page.mouse.click(x + 0.3 * width, y + 0.4 * height));
  seen.outlined = [await outlined.isVisible()];
  await page.screenshot({ path: process.env.SCREENSHOT.replace('.png', '-explore.png') });
  seen.half_way = await after(() => slider.press('PageDown'));
  seen.undone = await after(() => button('Undo').click());
  seen.outlined.push(await outlined.isVisible());
  seen.by_keys = await after(async () => { await scene.press('ArrowLeft'); await scene.press('Enter'); });
  await after(() => button('Undo').click());
  const [download] = await Promise.all([page.waitForEvent('download'), button('Picture').press('Enter')]);
  await download.saveAs(process.env.SCREENSHOT.replace('screenshot', 'downloaded'));
  seen.downloaded = download.suggestedFilename();
}

// Rendered and as drawn; a hurried hand, of which only the last position is shown.
async function render() {
  seen.sizes = {};
  await after(() => slider.press('Home'));
  seen.sizes.rendered = await size();
  seen.drawn = await after(() => button('as drawn').press('Enter'));
  seen.sizes.drawn = await size();
  await button('rendered').press('Enter');
  await settle();
  // The sign may be gone within a moment, so the page itself keeps watch for it.
  await page.evaluate(() => {
    window.signSeen = false;
    const look = () => {
      const text = document.body.textContent;
      window.signSeen ||= text.includes("Drawing with the photograph's patches ...");
    };
    const changes = { subtree: true, childList: true, characterData: true };
    new MutationObserver(look).observe(document.body, changes);
  });
  for (let move = 0; move < 6; move++) await slider.press('ArrowRight');
  await slider.press('Home');
  await settle();
  seen.sign = await page.evaluate(() => window.signSeen);
  seen.newest = await hash();
}

// The horizontal middles of the frames that are lit, in pixels of the page.
async function frames() {
  return page.locator('.siv-lite-trace').first().evaluate((trace) => {
    const lit = [...trace.querySelectorAll('i')].filter((cell) => getComputedStyle(cell, '::after').display === 'block');
    const { left } = trace.getBoundingClientRect();
    const middle = (part) => left + parseFloat(getComputedStyle(lit[0], part).left);
    return {
      cells: lit.length, sample: middle('::before'), source: middle('::after'),
      middle: trace.querySelector('.cells').getBoundingClientRect().left,
    };
  });
}

async function tracePixels() {
  const cells = page.locator('.siv-lite-trace .cells').first();
  await cells.waitFor();
  await cells.scrollIntoViewIfNeeded();
  await page.mouse.move(1, 1);  // nowhere
  seen.at_rest = await frames();
  const { x, y, width, height } = await cells.boundingBox();
  seen.pointer = x + 0.2 * width;
  await page.mouse.move(seen.pointer, y + 0.7 * height);
  seen.pointed = await frames();
  await page.screenshot({ path: process.env.SCREENSHOT.replace('.png', '-trace.png') });
  await page.mouse.move(1, 1);
  seen.left = await frames();

  const column = page.locator('.widget-hslider').filter({ has: page.getByText('Column', { exact: true }) }).first();
  const place = text(/^Row \d+, column \d+ of the sample/);
  seen.place = await place.innerText();
  await column.locator('.noUi-handle').press('PageUp');
  await page.waitForFunction(([element, old]) => element.innerText !== old, [await place.elementHandle(), seen.place])
    .catch(() => {});
  await page.waitForTimeout(500);
  seen.chosen = await frames();
  seen.chosen_place = await place.innerText();
}

// The outlined part of the microscope's image is dragged, moved by a key, and put back; another is outlined.
async function examine() {
  const frame = page.locator('.siv-lite-dragged').first();
  const outline = frame.locator('.siv-lite-outline');
  const image = frame.locator('img');
  const sides = async () => {
    const [inner, outer] = [await outline.boundingBox(), await frame.boundingBox()];
    return [(inner.x - outer.x) / outer.width, (inner.y - outer.y) / outer.height, inner.width / outer.width];
  };
  const dragFrom = async (x, y, right, down) => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + right, y + down, { steps: 8 });
    await page.mouse.up();
    await page.waitForTimeout(1500);
  };
  await frame.waitFor();
  await frame.scrollIntoViewIfNeeded();
  const first = await image.getAttribute('src');
  const outer = await frame.boundingBox();
  const inner = await outline.boundingBox();
  seen.outline = { first: await sides() };
  await dragFrom(inner.x + inner.width / 2, inner.y + inner.height / 2, outer.width / 4, outer.height / 8);
  seen.outline.dragged = await sides();
  seen.edited = (await image.getAttribute('src')) !== first;
  seen.minds = await text(/minds this edit most/).innerText();
  await frame.press('ArrowLeft');
  await page.waitForTimeout(500);
  seen.outline.key = await sides();
  await page.screenshot({ path: process.env.SCREENSHOT.replace('.png', '-microscope.png') });
  await page.getByTitle('Show the image without edits').click();
  await page.waitForTimeout(500);
  seen.outline.undone = await sides();
  await frame.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await frame.boundingBox();  // the page may have been scrolled
  await dragFrom(x + 0.6 * width, y + 0.3 * height, 0.2 * width, 0.2 * height);
  seen.outline.other = await sides();
}

// A training of a second cell, in a process of its own: the explorer above goes on working meanwhile.
async function stopTraining() {
  const live = page.locator('.siv-lite-live').first();
  const scenes = live.locator('.siv-lite-newest img');
  seen.heights = [(await live.boundingBox()).height];
  await text(/^[\d,]+ of [\d,]+ iterations, /).waitFor();
  await after(() => slider.press('ArrowRight'));
  await settle();  // beside a training rendering takes longer
  seen.meanwhile = await hash();
  await text(/^First the photograph; new scenes after /).waitFor();
  await button('Save and stop').press('Enter');
  seen.stopped = await text(/^Stopped: [\d,]+ of 20,000 iterations are saved/).innerText();
  seen.heights.push((await live.boundingBox()).height);
  const { width, height } = await scenes.boundingBox();
  seen.scenes = [width, height];
  await live.locator('a[download$="run.zip"]').waitFor();
  seen.links = await live.locator('a').evaluateAll(
    (links) => links.map((link) => getComputedStyle(link).textDecorationLine));
  await button('Go on').press('Enter');
  await page.waitForFunction(
    ([element, old]) => !element.innerText.includes(old), [await live.elementHandle(), seen.stopped]);
  await button('Save and stop').press('Enter');
  await text(/^Stopped: /).waitFor();
}

async function runAll() {
  const cells = await page.evaluate(async () => {
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
    return window.jupyterapp.shell.currentWidget.content.model.toJSON().cells;
  });
  const outputs = cells.flatMap((cell) => cell.outputs ?? []);
  seen.failed = outputs.filter((output) => output.output_type === 'error').map((output) => output.evalue);
  seen.skipped = cells.filter((cell) => cell.cell_type === 'code' && !cell.execution_count).length;
  seen.pictures = outputs.filter((output) => output.data?.['image/png']).length;
}

async function uploadAndDownload() {
  const choose = page.locator('.widget-upload');
  const [files] = await Promise.all([page.waitForEvent('filechooser'), choose.press('Enter')]);
  await files.setFiles(upload);
  const preset = page.locator('.widget-dropdown', { hasText: 'Preset' }).locator('select');
  await preset.selectOption({ index: 0 });  // smoke
  await text(/^Training takes about /).waitFor();
  seen.uploaded = await text(/kept at 256 x 192 pixels/).innerText();
  await button('Start').press('Enter');
  await text(/^Finished, in /).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[download$="run.zip"]').click()]);
  seen.download = [download.suggestedFilename(), statSync(await download.path()).size];
}

try {
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  if (mode !== 'voila') {
    const kernel = () => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle';
    await page.waitForFunction(kernel);
    await runAll();
  }
  if (mode !== 'run') {
    await picture.waitFor();
    await explore();
    await render();
    await measure();
    await region();
    await tracePixels();
    await examine();
    await (mode === 'lab' ? stopTraining() : uploadAndDownload());
  }
  seen.text = await page.locator('body').innerText();
} catch (error) {
  seen.failure = String(error).slice(0, 1000);
  seen.text = (await page.locator('body').innerText().catch(() => '')).slice(0, 2000);
}
await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true }).catch(() => {});
await browser.close();
console.log(JSON.stringify(seen));
