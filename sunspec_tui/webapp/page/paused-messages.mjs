// Keep messages while the picture is paused, at most as many rows as the page can show.

import { HISTORY } from "./row-messages.mjs";

export class PausedMessages {
  /** Creates a queue of at most `capacity` rows. */
  constructor(capacity) {
    this.capacity = capacity;
    this.messages = [];
    this.rows = 0;
    this.isFull = false; // true if rows were dropped: all rows must be requested again
  }

  push(message) {
    const last = this.messages.at(-1);
    if (message.kind === HISTORY) {
      // A history replaces all rows before it; only the newest axis is kept.
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
