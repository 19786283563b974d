// Decode powers from steps on an asinh scale, which `row_codes.py` writes. Pure functions.

export const MISSING = 0, FAR = 255, MIDDLE = 128;
const LARGEST = 3.4028234663852886e38, MAX_TABLE = 65536;

/**
 * Reads the codes of rows. `steps` has a byte for each bin, `far` (a DataView) the codes in full, `before` the codes of the
 * previous row (null: the first row is a key row, whose steps are between bins). Throws if the length of `far` is wrong.
 */
export function readCodes(steps, far, bins, before) {
  const codes = new Int32Array(steps.length);
  let offset = 0;
  for (let n = 0; n < steps.length; n++) {
    const byte = steps[n];
    if (byte === MISSING) continue;
    if (byte === FAR) {
      if (offset + 4 > far.byteLength) throw new Error("the length of a message is wrong");
      codes[n] = far.getInt32(offset, true);
      offset += 4;
    } else {
      const from = n >= bins ? codes[n - bins] : before ? before[n] : n ? codes[n - 1] : 0;
      codes[n] = from + byte - MIDDLE;
    }
  }
  if (offset !== far.byteLength) throw new Error("the length of a message is wrong");
  return codes;
}

/** Writes the powers of codes into `values`; NaN for missing values. */
export function writePowers(codes, steps, { unit, codeStep }, values) {
  const power = (code) => Math.min(LARGEST, Math.max(-LARGEST, unit * Math.sinh(codeStep * code)));
  const table = powerTable(codes, power);
  for (let n = 0; n < codes.length; n++) {
    values[n] = steps[n] === MISSING ? NaN : table ? table.powers[codes[n] - table.lowest] : power(codes[n]);
  }
}

/** Returns a table of powers from the lowest to the highest code; null if it would be as long as the codes. */
function powerTable(codes, power) {
  let lowest = Infinity, highest = -Infinity;
  for (const code of codes) {
    if (code < lowest) lowest = code;
    if (code > highest) highest = code;
  }
  const count = highest - lowest + 1;
  if (!(count < codes.length && count <= MAX_TABLE)) return null;
  return { lowest, powers: Float32Array.from({ length: count }, (_, n) => power(lowest + n)) };
}
