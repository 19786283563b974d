// Powers from codes on an asinh scale, and codes from their steps: `row_codes.py` writes them. Pure functions of values.

export const MISSING = 0, FAR = 255, MIDDLE = 128;
const LARGEST = 3.4028234663852886e38, MAX_TABLE = 65536;

/**
 * Reads the codes of rows. `steps` has a byte for each bin, `far` (a DataView) the codes in full, `before` the codes of the
 * row before (null: the first row is a key row, whose steps are between bins). Throws if `far` has another length.
 */
export function readCodes(steps, far, bins, before) {
  const codes = new Int32Array(steps.length);
  let taken = 0;
  for (let n = 0; n < steps.length; n++) {
    const step = steps[n];
    if (step === MISSING) continue;
    if (step === FAR) {
      if (taken + 4 > far.byteLength) throw new Error("the length of a message is wrong");
      codes[n] = far.getInt32(taken, true);
      taken += 4;
    } else {
      const from = n >= bins ? codes[n - bins] : before ? before[n] : n ? codes[n - 1] : 0;
      codes[n] = from + step - MIDDLE;
    }
  }
  if (taken !== far.byteLength) throw new Error("the length of a message is wrong");
  return codes;
}

/** Writes the powers of codes into `values`; NaN where the step says that there is no number. */
export function writePowers(codes, steps, { unit, step }, values) {
  const power = (code) => Math.min(LARGEST, Math.max(-LARGEST, unit * Math.sinh(step * code)));
  const table = powerTable(codes, power);
  for (let n = 0; n < codes.length; n++) {
    values[n] = steps[n] === MISSING ? NaN : table ? table.powers[codes[n] - table.least] : power(codes[n]);
  }
}

/** Powers of all codes between the least and the largest, where those are fewer than the bins; else null. */
function powerTable(codes, power) {
  let least = Infinity, most = -Infinity;
  for (const code of codes) {
    if (code < least) least = code;
    if (code > most) most = code;
  }
  const count = most - least + 1;
  if (!(count < codes.length && count <= MAX_TABLE)) return null;
  return { least, powers: Float32Array.from({ length: count }, (_, n) => power(least + n)) };
}
