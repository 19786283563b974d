// Messages that wait while the picture stands. However long that is, no more are kept than the page can show.

import { HISTORY } from "./protocol.mjs";

export class Held {
  /** Keeps at most `capacity` rows. */
  constructor(capacity) {
    this.capacity = capacity;
    this.messages = [];
    this.rows = 0;
    this.isFull = false; // rows were left out: all have to be asked for anew
  }

  push(message) {
    const last = this.messages.at(-1);
    if (message.kind === HISTORY) {
      // It replaces all rows before it, and only the axis that they are of stays.
      this.messages = this.messages.filter((each) => each.type === "axis").slice(-1);
      this.rows = 0;
      this.isFull = false;
    } else if (message.type === "axis") {
      if (last?.type === "axis") this.messages.pop();
    } else if (this.rows + message.rows > this.capacity) {
      this.isFull = true;
      return;
    }
    this.rows += message.kind === HISTORY ? 0 : message.rows ?? 0;
    this.messages.push(message);
  }
}
