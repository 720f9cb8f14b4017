// Weights of a trained generator, packed by tools/build_page.py as half-precision numbers.

const EXPONENT_BIAS = 15;
const FRACTION = 1024;

// Numbers of 16 bits each, from bytes, as 32-bit numbers.
export function readHalves(bytes) {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return Float32Array.from(halves, readHalf);
}

function readHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / FRACTION;
  if (exponent === 0) return sign * fraction * 2 ** (1 - EXPONENT_BIAS);
  return sign * (1 + fraction) * 2 ** (exponent - EXPONENT_BIAS);
}

// Bytes of a text in base64.
export function readBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// packed: {grid, numBlocks, layers, data}. Each layer has a name, a shape (out, in, side), sigma,
// the largest singular value of its weight W, and says whether it has a bias.
export function unpackWeights({ grid, numBlocks, layers, data }) {
  const values = readHalves(readBase64(data));
  const weights = { grid, numBlocks };
  let offset = 0;
  for (const { name, shape, sigma, hasBias } of layers) {
    const [numOut, numIn, side] = shape;
    const end = offset + numOut * numIn * side * side;
    const weight = values.slice(offset, end).map((value) => value / sigma);  // W / sigma
    offset = end;
    let bias = null;
    if (hasBias) {
      bias = values.slice(offset, offset + numOut);
      offset += numOut;
    }
    weights[name] = { weight, bias, shape };
  }
  return weights;
}
