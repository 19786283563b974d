// The rows that the page keeps: the last 1200 of one product, by number, time and slot. It counts what came, what came twice
// and what was skipped, and draws nothing.

import { HISTORY } from "./protocol.mjs";

export const CAPACITY = 1200;
export const GAP = -1, UNSENT = -2;

export class History {
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
    this.head = 0; // where the next row goes
    this.next = null; // its number
    this.version = (this.version ?? 0) + 1; // grows when all rows are others
  }

  /** Takes a message; says which places have new rows, or null where all are new. */
  take(message) {
    if (message.kind === HISTORY) {
      this.reset(message.bins, message.product, message.epoch);
      this.counts.histories++;
      this.next = message.first;
    } else if (message.product !== this.product || message.epoch !== this.epoch || message.bins !== this.bins) {
      return []; // Under way while another product was chosen.
    }
    const places = [];
    for (let n = 0; n < message.rows; n++) {
      const number = message.first + n;
      if (message.kind !== HISTORY) this.#count(number);
      if (this.next !== null && number < this.next) continue;
      places.push(this.#keep(message, n, number));
    }
    return message.kind === HISTORY ? null : places;
  }

  #count(number) {
    if (this.next !== null && number < this.next) this.counts.twice++;
    else {
      this.counts.received++;
      if (this.next !== null) this.counts.skipped += number - this.next;
    }
  }

  #keep(message, n, number) {
    const place = this.head;
    this.values.set(message.values.subarray(n * message.bins, (n + 1) * message.bins), place * this.bins);
    this.times[place] = message.times[n];
    this.slots[place] = message.slots[n];
    this.marks[place] = message.marks[n];
    this.numbers[place] = number;
    this.head = (place + 1) % CAPACITY;
    this.filled = Math.min(this.filled + 1, CAPACITY);
    this.next = number + 1;
    return place;
  }

  /** Place of the newest row; -1 where there is none. */
  get newest() {
    return this.filled ? (this.head + CAPACITY - 1) % CAPACITY : -1;
  }

  get newestSlot() {
    return this.filled ? this.slots[this.newest] : 0;
  }

  row(place) {
    return this.values.subarray(place * this.bins, (place + 1) * this.bins);
  }

  /** Places of the rows of the last `count` slots, the oldest first; GAP and UNSENT where there is none. */
  window(count) {
    const places = new Int32Array(count).fill(GAP);
    const last = this.newestSlot;
    let newer = count, number = this.next;
    for (let n = 0; n < this.filled; n++) {
      const place = (this.head + CAPACITY - 1 - n) % CAPACITY;
      const column = count - 1 - (last - this.slots[place]);
      // A row whose slot is outside the axis is kept, but has no column.
      if (!Number.isInteger(column) || column >= count) continue;
      // Rows that the receiver has and this page was not sent.
      if (number - this.numbers[place] > 1) places.fill(UNSENT, Math.max(0, column + 1), newer);
      if (column < 0) break;
      places[column] = place;
      newer = column;
      number = this.numbers[place];
    }
    return places;
  }

  /** Time at the end of a column of such a window, by the rows beside it. */
  timeAt(places, column, cadence) {
    for (let near = 0; near < places.length; near++) {
      for (const n of [column + near, column - near]) {
        if (n >= 0 && n < places.length && places[n] >= 0) {
          return n === column ? this.times[places[n]] : this.times[places[n]] + (column - n) * (cadence ?? NaN);
        }
      }
    }
    return NaN;
  }
}
