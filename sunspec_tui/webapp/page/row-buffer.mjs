// Ring buffer of the last 1200 rows of one product.
// Each row has its number, time and slot. Received, repeated and skipped rows are counted.

import { HISTORY } from "./row-messages.mjs";

export const CAPACITY = 1200;
export const GAP = -1, UNSENT = -2;

export class RowBuffer {
  constructor() {
    this.counts = { received: 0, twice: 0, skipped: 0, histories: 0 };
    this.reset(0, "XX", -1);
  }

  reset(bins, product, epoch) {
    this.bins = bins;
    this.product = product;
    this.epoch = epoch;
    this.values = new Float32Array(CAPACITY * bins).fill(NaN);
    this.times = new Float64Array(CAPACITY).fill(NaN);
    this.slots = new Float64Array(CAPACITY).fill(-Infinity);
    this.marks = new Uint8Array(CAPACITY);
    this.numbers = new Float64Array(CAPACITY);
    this.filled = 0;
    this.head = 0; // index of the next row
    this.next = null; // number of the next row
    this.version = (this.version ?? 0) + 1; // grows when all rows change
  }

  /** Adds a message; returns the indices of new rows, or null if all are new. */
  add(message) {
    if (message.kind === HISTORY) {
      this.reset(message.bins, message.product, message.epoch);
      this.counts.histories++;
      this.next = message.first;
    } else if (message.product !== this.product || message.epoch !== this.epoch || message.bins !== this.bins) {
      return []; // The message was in flight while another product was chosen.
    }
    const indices = [];
    for (let n = 0; n < message.rows; n++) {
      const number = message.first + n;
      if (message.kind !== HISTORY) this.#count(number);
      if (this.next !== null && number < this.next) continue;
      indices.push(this.#store(message, n, number));
    }
    return message.kind === HISTORY ? null : indices;
  }

  #count(number) {
    if (this.next !== null && number < this.next) this.counts.twice++;
    else {
      this.counts.received++;
      if (this.next !== null) this.counts.skipped += number - this.next;
    }
  }

  #store(message, n, number) {
    const index = this.head;
    this.values.set(message.values.subarray(n * message.bins, (n + 1) * message.bins), index * this.bins);
    this.times[index] = message.times[n];
    this.slots[index] = message.slots[n];
    this.marks[index] = message.marks[n];
    this.numbers[index] = number;
    this.head = (index + 1) % CAPACITY;
    this.filled = Math.min(this.filled + 1, CAPACITY);
    this.next = number + 1;
    return index;
  }

  /** Index of the newest row; -1 if there is none. */
  get newest() {
    return this.filled ? (this.head + CAPACITY - 1) % CAPACITY : -1;
  }

  get newestSlot() {
    return this.filled ? this.slots[this.newest] : 0;
  }

  row(index) {
    return this.values.subarray(index * this.bins, (index + 1) * this.bins);
  }

  /** Returns the indices of the rows in the last `count` slots, oldest first; GAP or UNSENT for a slot without a row. */
  window(count) {
    const indices = new Int32Array(count).fill(GAP);
    const last = this.newestSlot;
    let newer = count, number = this.next;
    for (let n = 0; n < this.filled; n++) {
      const index = (this.head + CAPACITY - 1 - n) % CAPACITY;
      const column = count - 1 - (last - this.slots[index]);
      // A row whose slot is outside the axis is kept, but has no column.
      if (!Number.isInteger(column) || column >= count) continue;
      // Rows that the receiver has, but did not send to this page.
      if (number - this.numbers[index] > 1) indices.fill(UNSENT, Math.max(0, column + 1), newer);
      if (column < 0) break;
      indices[column] = index;
      newer = column;
      number = this.numbers[index];
    }
    return indices;
  }

  /** Returns the time at the end of a column of a window, estimated from the nearest row. */
  timeAt(indices, column, cadence) {
    for (let near = 0; near < indices.length; near++) {
      for (const n of [column + near, column - near]) {
        if (n >= 0 && n < indices.length && indices[n] >= 0) {
          return n === column ? this.times[indices[n]] : this.times[indices[n]] + (column - n) * (cadence ?? NaN);
        }
      }
    }
    return NaN;
  }
}
