// The layout, part 4a: the random numbers of one of its steps.

/** The Mersenne Twister of Matsumoto and Nishimura (1998) as Python's Random(0), for the same shuffles. */
class Twister {
  constructor() {
    const state = (this.state = new Uint32Array(624));
    const scramble = (k, factor) => Math.imul(state[k - 1] ^ (state[k - 1] >>> 30), factor);
    state[0] = 19650218;
    for (let k = 1; k < 624; k++) state[k] = scramble(k, 1812433253) + k;
    const turn = (k, factor, add) => {
      state[k] = (state[k] ^ scramble(k, factor)) + add;
      if (k === 623) state[0] = state[623];
      return k === 623 ? 1 : k + 1;
    };
    let k = 1;
    for (let n = 0; n < 624; n++) k = turn(k, 1664525, 0);
    for (let n = 0; n < 623; n++) k = turn(k, 1566083941, -k);
    state[0] = 0x80000000;
    this.next = 624;
  }

  bits(count) {
    const { state } = this;
    if (this.next === 624) {
      for (let k = 0; k < 624; k++) {
        const y = (state[k] & 0x80000000) | (state[(k + 1) % 624] & 0x7fffffff);
        state[k] = state[(k + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.next = 0;
    }
    let y = state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return (y >>> 0) >>> (32 - count);
  }

  shuffle(list) {
    for (let k = list.length - 1; k > 0; k--) {
      const count = 32 - Math.clz32(k + 1);
      let other = this.bits(count);
      while (other > k) other = this.bits(count);
      [list[k], list[other]] = [list[other], list[k]];
    }
  }
}
