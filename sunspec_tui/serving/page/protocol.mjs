// The live stream's messages: the layout is that of docs/web.md, and `layout.py` writes it.

export const HISTORY = 1, ROW = 2;
const HEADER_BYTES = 24, ROW_HEADER_BYTES = 32, VERSION = 1;
export const PRODUCTS = ["XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V/I"];

export const MAX_BINS = 16384, MAX_ROWS = 65536;
const LARGEST = 3.4028234663852886e38;

/** Decodes a message into `values` (n × bins, NaN for invalid values), times, slots and marks. Throws if it is invalid. */
export function decode(buffer) {
  if (buffer.byteLength < HEADER_BYTES) throw new Error(`a message of ${buffer.byteLength} bytes`);
  const view = new DataView(buffer);
  if (view.getUint8(0) !== VERSION) throw new Error(`a message of version ${view.getUint8(0)}, known is ${VERSION}`);
  const kind = view.getUint8(1), bits = view.getUint8(2), product = PRODUCTS[view.getUint8(3)];
  const epoch = view.getUint32(4, true), rows = view.getUint32(8, true), bins = view.getUint32(12, true);
  const first = view.getFloat64(16, true);
  const rowBytes = Math.ceil((ROW_HEADER_BYTES + bins * bits / 8) / 8) * 8;
  // All sizes are checked before memory is allocated.
  if (![HISTORY, ROW].includes(kind) || ![8, 16].includes(bits) || !product) throw new Error("unknown kind of message");
  if (!(bins >= 1 && bins <= MAX_BINS && rows <= MAX_ROWS)) throw new Error(`a message of ${rows} rows of ${bins} bins`);
  if (buffer.byteLength !== HEADER_BYTES + rows * rowBytes) throw new Error("the length of a message is wrong");
  if (!(Number.isSafeInteger(first) && first >= 0)) throw new Error("the row number is invalid");
  const message = {
    kind, product, epoch, rows, bins, first,
    times: new Float64Array(rows), slots: new Float64Array(rows), marks: new Uint8Array(rows),
    values: new Float32Array(rows * bins),
  };
  for (let n = 0; n < rows; n++) readRow(view, HEADER_BYTES + n * rowBytes, bits, n, message);
  return message;
}

const KINDS = {
  text: (value) => typeof value === "string",
  number: (value) => Number.isFinite(value),
  numberOrNull: (value) => value === null || Number.isFinite(value),
  texts: (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
  product: (value) => PRODUCTS.includes(value),
  products: (value) => Array.isArray(value) && value.every((each) => PRODUCTS.includes(each)),
  bins: (value) => Number.isInteger(value) && value >= 1 && value <= MAX_BINS,
};
const FIELDS = {
  status: {
    time: "text", source: "text", state: "text", link: "text", frames_received: "number", frames_rejected: "number",
    frames_missing: "numberOrNull", cadence_s: "numberOrNull", rate_hz: "numberOrNull", delay_s: "numberOrNull",
    delay_used: "text", alarms: "texts", warnings: "texts", silence_s: "numberOrNull", stall_after_s: "numberOrNull",
  },
  axis: { epoch: "number", product: "product", products: "products", bins: "bins", low_mhz: "number", bin_mhz: "number" },
};

/** Parses a record and checks the fields that the page uses; unknown types are accepted. Throws if it is invalid. */
export function read(text) {
  const record = JSON.parse(text);
  for (const [name, kind] of Object.entries((Object.hasOwn(FIELDS, record?.type) && FIELDS[record.type]) || {})) {
    if (!KINDS[kind](record[name])) throw new Error(`a record of type ${record.type} has an invalid ${name}`);
  }
  if (typeof record?.type !== "string") throw new Error("a record has no type");
  return record;
}

const limited = (power) => Math.min(LARGEST, Math.max(-LARGEST, power));

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
      values[out + b] = code ? limited(unit * Math.sinh(low + step * (code - 1))) : NaN;
    }
  }
}

/** What each code of a row stands for. */
function powers(unit, low, step, count) {
  const table = new Float32Array(count);
  table[0] = NaN;
  for (let code = 1; code < count; code++) table[code] = limited(unit * Math.sinh(low + step * (code - 1)));
  return table;
}
