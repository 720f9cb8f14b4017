// The random numbers of torch on the CPU, so that one seed is one image here as in Python.
//
// Source: the Mersenne Twister MT19937 of Matsumoto and Nishimura (1998), and the way in which
// `torch.randn` and `torch.randperm` use it.

const STATE_SIZE = 624;
const SHIFT_SIZE = 397;
const NORMAL_BLOCK = 16;  // torch draws normal numbers in blocks of so many

export class RandomGenerator {
  // The same as torch.Generator().manual_seed(seed).
  constructor(seed) {
    this.state = new Uint32Array(STATE_SIZE);
    this.state[0] = seed;
    for (let i = 1; i < STATE_SIZE; i++) {
      const previous = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, previous) + i;
    }
    this.position = STATE_SIZE;
  }

  refresh() {
    const state = this.state;
    for (let i = 0; i < STATE_SIZE; i++) {
      const next = state[(i + 1) % STATE_SIZE];
      const mixed = (state[i] & 0x80000000) | (next & 0x7fffffff);
      const twist = next & 1 ? 0x9908b0df : 0;
      state[i] = state[(i + SHIFT_SIZE) % STATE_SIZE] ^ (mixed >>> 1) ^ twist;
    }
    this.position = 0;
  }

  // A whole number from 0 to 2^32 - 1.
  integer() {
    if (this.position === STATE_SIZE) this.refresh();
    let y = this.state[this.position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  // A number from 0 to 1, without 1.
  uniform() {
    return (this.integer() & 0xffffff) / 2 ** 24;
  }

  // Numbers from N(0, 1), the same as torch.randn(count) for a count of at least 16.
  normal(count) {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) values[i] = this.uniform();
    for (let first = 0; first + NORMAL_BLOCK <= count; first += NORMAL_BLOCK) {
      makeNormal(values.subarray(first, first + NORMAL_BLOCK));
    }

    // An incomplete last block is drawn anew, together with what stands before it.
    if (count % NORMAL_BLOCK !== 0) {
      const last = values.subarray(count - NORMAL_BLOCK);
      for (let i = 0; i < NORMAL_BLOCK; i++) last[i] = this.uniform();
      makeNormal(last);
    }
    return values;
  }

  // The numbers from 0 to count - 1 in random order, the same as torch.randperm(count).
  permutation(count) {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = 0; i < count - 1; i++) {
      const chosen = i + this.integer() % (count - i);
      const number = order[chosen];
      order[chosen] = order[i];
      order[i] = number;
    }
    return order;
  }
}

// Box and Muller's method: 16 uniform numbers become 16 normal ones.
function makeNormal(block) {
  const half = NORMAL_BLOCK / 2;
  for (let i = 0; i < half; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - block[i]));
    const angle = 2 * Math.PI * block[i + half];
    block[i] = radius * Math.cos(angle);
    block[i + half] = radius * Math.sin(angle);
  }
}

// Latents of n samples, one Float32Array each; see sample_latent_rows in methods/base.py.
export function sampleLatents(n, length, seed) {
  const count = Math.ceil(n * length / NORMAL_BLOCK) * NORMAL_BLOCK;
  const values = new RandomGenerator(seed).normal(count);
  const rows = [];
  for (let i = 0; i < n; i++) rows.push(values.slice(i * length, (i + 1) * length));
  return rows;
}
