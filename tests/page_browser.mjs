// Drives Chromium over the page that needs no installation and prints what it saw as JSON.
//     node tests/page_browser.mjs CHROMIUM PAGE PHOTOGRAPH TINY_IMAGE SCREENSHOT
import { chromium } from 'playwright-core';
import { pathToFileURL } from 'node:url';

const [executablePath, path, photograph, tiny, screenshot] = process.argv.slice(2);
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'];
const browser = await chromium.launch({ executablePath, headless: true, args });
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
page.setDefaultTimeout(240000);
const seen = { errors: [], elsewhere: [] };
page.on('pageerror', (error) => seen.errors.push(String(error).slice(0, 300)));
page.on('console', (message) => {
  if (message.type() === 'error') seen.errors.push(message.text().slice(0, 300));
});
page.on('request', (request) => {
  if (!/^(data:|blob:|file:)/.test(request.url())) seen.elsewhere.push(request.url());
});

const scene = page.locator('#scene .siv-lite-frame');
const lit = page.locator('#photograph .siv-lite-lit');
const text = (id) => page.locator(`#${id}`).innerText();

// The scene's pixels: [height, width, red, green, blue, red, ...].
const pixels = () => scene.locator('img').evaluate(async (image) => {
  await image.decode();
  const { naturalHeight: height, naturalWidth: width } = image;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  return [height, width, ...data.filter((_, i) => i % 4 !== 3)];
});

async function settle() {
  await page.waitForFunction(() => document.getElementById('scene').ariaBusy === 'false');
  await page.waitForTimeout(200);
}

// A new photograph: noise becomes a scene, and every patch has a source.
async function diffuse() {
  await settle();
  const { x, y, width, height } = await scene.boundingBox();
  seen.lit = [await lit.isVisible()];
  await page.mouse.move(x + 0.4 * width, y + 0.6 * height);
  seen.lit.push(await lit.isVisible());
  seen.bottom = await page.evaluate(() => document.body.getBoundingClientRect().bottom);
  await page.screenshot({ path: screenshot });
  seen.diffused = (await pixels()).slice(0, 2);
  await page.locator('#step').press('Home');
  seen.noise = (await pixels()).slice(0, 2);
}

// A file that is dropped, and two that are chosen.
async function openFiles() {
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['Not an image.'], 'notes.png', { type: 'image/png' }));
    return transfer;
  });
  await page.dispatchEvent('body', 'drop', { dataTransfer: dropped });
  await page.locator('#problem').getByText('notes.png').waitFor();
  seen.no_image = await text('problem');
  await page.setInputFiles('#file', tiny);
  await page.locator('#problem').getByText('tiny').waitFor();
  seen.tiny = await text('problem');
  await page.setInputFiles('#file', photograph);
  await page.locator('#note').getByText('reduced').waitFor();
  seen.reduced = await text('note');
  seen.no_problem = await page.locator('#problem').textContent();
}

// The trained network: a part of the scene is drawn anew, and taken back.
async function generate() {
  await page.locator('#gan').click();
  await settle();
  seen.generated = await pixels();
  const { x, y, width, height } = await scene.boundingBox();
  await page.mouse.click(x + 0.3 * width, y + 0.4 * height);
  seen.outlined = await scene.locator('.siv-lite-region').isVisible();
  await settle();
  seen.redrawn = await pixels();
  await page.locator('#undo').click();
  await settle();
  seen.undone = await pixels();
}

try {
  await page.goto(pathToFileURL(path).href);
  await diffuse();
  await openFiles();
  await generate();
} catch (error) {
  seen.failure = String(error).slice(0, 1000);
}
await browser.close();
console.log(JSON.stringify(seen));
