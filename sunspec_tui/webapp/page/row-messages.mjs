// Decode the live stream's messages; docs/web.md describes the layout, and `row_messages.py` writes it.

import { inflate } from "./inflate.mjs";
import { readCodes, writePowers } from "./row-codes.mjs";

export const HISTORY = 1, ROW = 2, KEY = 3, VERSION = 2;
const HEADER_BYTES = 24, BLOCK_BYTES = 8, SCALE_BYTES = 16, TIMES_BYTES = 17;
export const PRODUCTS = ["XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V/I"];

export const MAX_BINS = 16384, MAX_ROWS = 65536;
const MAX_VALUES = 2 ** 24;

/** Reads the binary messages of one connection in their order. */
export class Decoder {
  #newest = null; // newest row, which the next row continues: number, product, epoch, bins, codes and scale

  /** Decodes a message into `values` (n × bins, NaN for invalid values), times, slots and marks. Throws if it is invalid. */
  async decode(buffer) {
    const message = readHeader(buffer);
    let state = message.kind === ROW ? this.#continued(message) : null;
    const blocks = findBlocks(buffer, message);
    const { rows, bins } = message;
    Object.assign(message, {
      times: new Float64Array(rows), slots: new Float64Array(rows), marks: new Uint8Array(rows),
      values: new Float32Array(rows * bins),
    });
    for (const block of blocks) {
      const most = SCALE_BYTES + block.rows * (TIMES_BYTES + 5 * bins);
      state = readBlock(await inflate(block.packed, most), block, message.kind === ROW ? state : null, message);
    }
    if (state) this.#newest = { ...state, next: message.first + rows, product: message.product, epoch: message.epoch, bins };
    return message;
  }

  #continued({ first, product, epoch, bins }) {
    const last = this.#newest;
    const follows = last && last.next === first && last.product === product && last.epoch === epoch && last.bins === bins;
    if (!follows) throw new Error("a row does not follow the newest");
    return last;
  }
}

/** Reads and checks a header: all sizes are checked before memory is allocated. */
function readHeader(buffer) {
  if (buffer.byteLength < HEADER_BYTES) throw new Error(`a message of ${buffer.byteLength} bytes`);
  const view = new DataView(buffer), version = view.getUint8(0);
  if (version !== VERSION) throw new Error(`a message of version ${version}, known is ${VERSION}: reload the page`);
  const kind = view.getUint8(1), product = PRODUCTS[view.getUint8(2)], epoch = view.getUint32(4, true);
  const rows = view.getUint32(8, true), bins = view.getUint32(12, true), first = view.getFloat64(16, true);
  if (![HISTORY, ROW, KEY].includes(kind) || !product) throw new Error("unknown kind of message");
  if (!(bins >= 1 && bins <= MAX_BINS && rows <= MAX_ROWS && rows * bins <= MAX_VALUES)) {
    throw new Error(`a message of ${rows} rows of ${bins} bins`);
  }
  if (!(Number.isSafeInteger(first) && first >= 0)) throw new Error("the row number is invalid");
  return { kind, product, epoch, rows, bins, first };
}

/** Returns the blocks of a message: number of rows, first row, and bytes. */
function findBlocks(buffer, { rows }) {
  const view = new DataView(buffer), blocks = [];
  let at = HEADER_BYTES, start = 0;
  while (at + BLOCK_BYTES <= buffer.byteLength) {
    const count = view.getUint32(at, true), size = view.getUint32(at + 4, true);
    at += BLOCK_BYTES;
    if (!count || at + size > buffer.byteLength) throw new Error("the length of a message is wrong");
    blocks.push({ rows: count, start, packed: new Uint8Array(buffer, at, size) });
    at += size;
    start += count;
  }
  if (at !== buffer.byteLength || start !== rows) throw new Error("the length of a message is wrong");
  return blocks;
}

/** Reads a block into a message; `before` is null if it can be read alone. Returns its newest codes and its scale. */
function readBlock(data, { rows, start }, before, { bins, times, slots, marks, values }) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const head = before ? 0 : SCALE_BYTES, at = head + rows * TIMES_BYTES, end = at + rows * bins;
  if (data.length < end) throw new Error("the length of a message is wrong");
  const scale = before ? before.scale : { unit: view.getFloat64(0, true), codeStep: view.getFloat64(8, true) };
  for (let n = 0; n < rows; n++) {
    times[start + n] = view.getFloat64(head + 8 * n, true);
    slots[start + n] = view.getFloat64(head + 8 * (rows + n), true);
    marks[start + n] = data[head + 16 * rows + n];
  }
  const steps = data.subarray(at, end), far = new DataView(data.buffer, data.byteOffset + end, data.length - end);
  const codes = readCodes(steps, far, bins, before ? before.codes : null);
  writePowers(codes, steps, scale, values.subarray(start * bins, (start + rows) * bins));
  return { codes: codes.slice(-bins), scale };
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
export function parseRecord(text) {
  const record = JSON.parse(text);
  for (const [name, kind] of Object.entries((Object.hasOwn(FIELDS, record?.type) && FIELDS[record.type]) || {})) {
    if (!KINDS[kind](record[name])) throw new Error(`a record of type ${record.type} has an invalid ${name}`);
  }
  if (typeof record?.type !== "string") throw new Error("a record has no type");
  return record;
}
