// Photographs: files that are read, and images that are written.

import { reducedSize, resizePixels } from "./images.mjs";

const MAX_PIXELS = 50_000_000;  // of a file, as in frames.py
const MIN_SIDE = 32;
const MAX_ASPECT = 4;
const MAX_SIZE = 256;  // longest side, in pixels, so that rendering takes seconds

// What a visitor can do something about.
export class PageError extends Error {}

// Reads a file into pixels {height, width, bytes}; larger ones are reduced.
//
// Returns {pixels, note}: the note says how it was reduced.
export async function readPhotograph(file, name, longest = MAX_SIZE) {
  const bitmap = await decode(file, name);
  const { width, height } = bitmap;
  checkSize(height, width, name);
  const whole = { height, width, bytes: readBytes(bitmap) };
  const [newHeight, newWidth] = reducedSize(height, width, longest);
  const pixels = resizePixels(whole, newHeight, newWidth);
  const isReduced = newHeight < height;
  const note = isReduced ? `, reduced from ${width} x ${height}` : "";
  return { pixels, note: `${name}: ${newWidth} x ${newHeight} pixels${note}` };
}

async function decode(file, name) {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new PageError(
      `${name} is not an image that this browser can read; save it as PNG or JPEG.`,
    );
  }
}

function checkSize(height, width, name) {
  const shortest = Math.min(height, width);
  const longest = Math.max(height, width);
  if (shortest < MIN_SIDE || longest > MAX_ASPECT * shortest) {
    throw new PageError(
      `${name} is ${width} x ${height} pixels: under ${MIN_SIDE} or longer than ${MAX_ASPECT}:1; `
      + "crop it or take a larger one.",
    );
  }
  if (height * width > MAX_PIXELS) {
    throw new PageError(
      `${name} has more than ${MAX_PIXELS / 1e6} megapixels; reduce it beforehand.`,
    );
  }
}

// The bytes of an image, (H, W, 3), with white behind what is transparent.
function readBytes(bitmap) {
  const { width, height } = bitmap;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return dropEveryFourth(data);
}

// Red, green, blue and opacity become red, green and blue.
function dropEveryFourth(data) {
  const bytes = new Uint8ClampedArray(data.length / 4 * 3);
  let place = 0;
  for (let i = 0; i < data.length; i += 4) {
    bytes[place++] = data[i];
    bytes[place++] = data[i + 1];
    bytes[place++] = data[i + 2];
  }
  return bytes;
}

// Writes pixels as a BMP file, which is a header and the pixels: no waiting for an encoder.
export function encodeBmp({ height, width, bytes }) {
  const headerSize = 54;
  const rowSize = Math.ceil(3 * width / 4) * 4;
  const file = new Uint8Array(headerSize + rowSize * height);
  const header = new DataView(file.buffer);
  header.setUint16(0, 0x424d);  // "BM"
  header.setUint32(2, file.length, true);
  header.setUint32(10, headerSize, true);
  header.setUint32(14, 40, true);  // size of the rest of the header
  header.setInt32(18, width, true);
  header.setInt32(22, -height, true);  // negative: the first row is the top one
  header.setUint16(26, 1, true);  // planes
  header.setUint16(28, 24, true);  // bits of a pixel
  for (let row = 0; row < height; row++) {
    let place = headerSize + row * rowSize;
    for (let i = 3 * row * width; i < 3 * (row + 1) * width; i += 3) {
      file[place++] = bytes[i + 2];  // blue comes first
      file[place++] = bytes[i + 1];
      file[place++] = bytes[i];
    }
  }
  return file;
}

// Hands pixels to the browser as a PNG, which it saves as any download.
export function download({ height, width, bytes }, name) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const data = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let channel = 0; channel < 3; channel++) {
      data.data[4 * i + channel] = bytes[3 * i + channel];
    }
    data.data[4 * i + 3] = 255;
  }
  context.putImageData(data, 0, 0);
  const link = document.createElement("a");
  link.href = canvas.toDataURL();
  link.download = name;
  link.click();
}
