// Images, and how they are resized.
//
// An image is {height, width, values}: values in [-1, 1], first all of red, then of green, then of
// blue, each row by row: (3, H, W) as in Python. Pixels are {height, width, bytes}: (H, W, 3).

export function makeImage(height, width, values = new Float32Array(3 * height * width)) {
  return { height, width, values };
}

// As from_uint8 in frames.py: the 8-bit value v stands as v / 127.5 - 1.
export function fromBytes({ height, width, bytes }) {
  const image = makeImage(height, width);
  const area = height * width;
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      image.values[channel * area + i] = bytes[3 * i + channel] / 127.5 - 1;
    }
  }
  return image;
}

// As to_uint8 in frames.py: rounded and clamped.
export function toBytes({ height, width, values }) {
  const area = height * width;
  const bytes = new Uint8ClampedArray(3 * area);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      bytes[3 * i + channel] = (values[channel * area + i] + 1) * 127.5;
    }
  }
  return { height, width, bytes };
}

export function clampValues(image) {
  const { height, width, values } = image;
  return makeImage(height, width, values.map((value) => Math.max(-1, Math.min(1, value))));
}

// Filters: how much a pixel counts at a distance from the middle, in pixels.

const BICUBIC = { radius: 2, weigh: bicubic, round: (weight) => weight };
const BILINEAR = { radius: 1, weigh: bilinear, round: roundTo22Bits };

function bilinear(distance) {
  return Math.max(0, 1 - Math.abs(distance));
}

// Pillow computes with whole numbers.
function roundTo22Bits(weight) {
  return Math.round(weight * 2 ** 22) / 2 ** 22;
}

function bicubic(distance) {
  const x = Math.abs(distance);
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// For every new pixel along one side: the first old pixel that counts, and the weights from it on.
function findWeights(oldSide, newSide, filter) {
  const scale = oldSide / newSide;
  const spread = Math.max(1, scale);  // antialiasing: a reduced image averages over more pixels
  const radius = filter.radius * spread;
  const rows = [];
  for (let i = 0; i < newSide; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - radius + 0.5));
    const end = Math.min(oldSide, Math.trunc(center + radius + 0.5));
    const weights = new Float64Array(end - first);
    let sum = 0;
    for (let j = 0; j < weights.length; j++) {
      weights[j] = filter.weigh((first + j + 0.5 - center) / spread);
      sum += weights[j];
    }
    rows.push({ first, weights: weights.map((weight) => filter.round(weight / sum)) });
  }
  return rows;
}

// Resizes lines of numbers that stand `step` apart; `lines` says where each line begins.
function resizeLines(old, result, oldLines, newLines, oldStep, newStep, weightsOfAll, round) {
  oldLines.forEach((oldStart, line) => {
    weightsOfAll.forEach(({ first, weights }, i) => {
      let sum = 0;
      let place = oldStart + first * oldStep;
      for (let j = 0; j < weights.length; j++) {
        sum += weights[j] * old[place];
        place += oldStep;
      }
      result[newLines[line] + i * newStep] = round ? round(sum) : sum;
    });
  });
}

function countBy(count, step) {
  return Array.from({ length: count }, (_, i) => i * step);
}

// The same as resize_volumes in rendering/patches.py: bicubic, antialiased.
export function resize(image, height, width) {
  if (image.height === height && image.width === width) return image;
  const across = makeImage(image.height, width);
  const numLines = 3 * image.height;
  resizeLines(
    image.values, across.values, countBy(numLines, image.width), countBy(numLines, width), 1, 1,
    findWeights(image.width, width, BICUBIC),
  );

  const result = makeImage(height, width);
  const weights = findWeights(image.height, height, BICUBIC);
  for (let channel = 0; channel < 3; channel++) {
    const old = across.values.subarray(channel * image.height * width);
    const target = result.values.subarray(channel * height * width);
    const lines = countBy(width, 1);
    resizeLines(old, target, lines, lines, width, width, weights);
  }
  return result;
}

// The same as resize_to in frames.py, which asks Pillow: bilinear, antialiased, in 8 bits.
export function resizePixels(pixels, height, width) {
  if (pixels.height === height && pixels.width === width) return pixels;
  const across = new Uint8ClampedArray(3 * pixels.height * width);
  const result = new Uint8ClampedArray(3 * height * width);
  const widthWeights = findWeights(pixels.width, width, BILINEAR);
  const heightWeights = findWeights(pixels.height, height, BILINEAR);
  for (let channel = 0; channel < 3; channel++) {
    const oldRows = countBy(pixels.height, 3 * pixels.width).map((start) => start + channel);
    const newRows = countBy(pixels.height, 3 * width).map((start) => start + channel);
    resizeLines(pixels.bytes, across, oldRows, newRows, 3, 3, widthWeights, Math.round);
    const columns = countBy(width, 3).map((start) => start + channel);
    const step = 3 * width;
    resizeLines(across, result, columns, columns, step, step, heightWeights, Math.round);
  }
  return { height, width, bytes: result };
}

// As reduced_size in frames.py: the longest side becomes `longest`, but no side less than 32.
export function reducedSize(height, width, longest) {
  const minSide = 32;
  let scale = Math.min(1, longest / Math.max(height, width));
  if (roundHalfEven(Math.min(height, width) * scale) < minSide) {
    scale = Math.min(1, minSide / Math.min(height, width));
  }
  return [roundHalfEven(height * scale), roundHalfEven(width * scale)];
}

// Python and torch round halves to the even neighbor, JavaScript rounds them up.
export function roundHalfEven(value) {
  const rounded = Math.round(value);
  const isHalf = rounded - value === 0.5;
  return isHalf && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
