// The live stream's messages: the layout is that of docs/web.md, and `layout.py` writes it.

export const HISTORY = 1, ROW = 2;
const HEADER_BYTES = 24, ROW_HEADER_BYTES = 32, VERSION = 1;
export const PRODUCTS = ["XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V/I"];

/** Reads a message; rows come as `values` (n × bins, NaN where there is no number) with times, slots and marks. */
export function decode(buffer) {
  const view = new DataView(buffer);
  if (view.getUint8(0) !== VERSION) throw new Error(`a message of version ${view.getUint8(0)}, known is ${VERSION}`);
  const kind = view.getUint8(1), bits = view.getUint8(2), product = PRODUCTS[view.getUint8(3)];
  const epoch = view.getUint32(4, true), rows = view.getUint32(8, true), bins = view.getUint32(12, true);
  const first = view.getFloat64(16, true);
  const rowBytes = Math.ceil((ROW_HEADER_BYTES + bins * bits / 8) / 8) * 8;
  const message = {
    kind, product, epoch, rows, bins, first,
    times: new Float64Array(rows), slots: new Float64Array(rows), marks: new Uint8Array(rows),
    values: new Float32Array(rows * bins),
  };
  for (let n = 0; n < rows; n++) readRow(view, HEADER_BYTES + n * rowBytes, bits, n, message);
  return message;
}

function readRow(view, at, bits, n, message) {
  message.times[n] = view.getFloat64(at, true);
  message.slots[n] = view.getFloat64(at + 8, true);
  const unit = view.getFloat32(at + 16, true), low = view.getFloat32(at + 20, true), step = view.getFloat32(at + 24, true);
  message.marks[n] = view.getUint32(at + 28, true);
  const { bins, values } = message;
  const out = n * bins, codes = at + ROW_HEADER_BYTES;
  if (bits === 8) {
    const table = powers(unit, low, step, 256);
    for (let b = 0; b < bins; b++) values[out + b] = table[view.getUint8(codes + b)];
  } else {
    for (let b = 0; b < bins; b++) {
      const code = view.getUint16(codes + 2 * b, true);
      values[out + b] = code ? unit * Math.sinh(low + step * (code - 1)) : NaN;
    }
  }
}

/** What each code of a row stands for. */
function powers(unit, low, step, count) {
  const table = new Float32Array(count);
  table[0] = NaN;
  for (let code = 1; code < count; code++) table[code] = unit * Math.sinh(low + step * (code - 1));
  return table;
}
