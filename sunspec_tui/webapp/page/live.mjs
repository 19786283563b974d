// The connection to the server: it comes back by itself, says how far the page has come, and hands on what arrives.

import { Decoder, read, VERSION } from "./protocol.mjs";

const FIRST_WAIT_MS = 250, MOST_WAIT_MS = 4000, GOOD_MS = 5000, SEEN_MS = 250, SILENT_MS = 8000;

export class Live {
  /** `on` has `open`, `closed(reason)`, `text(record)` and `rows(message)`. */
  constructor(product, on) {
    this.product = product;
    this.on = on;
    this.wait = FIRST_WAIT_MS;
    this.connected = false;
    this.bytes = 0;
    this.seen = null;
    this.handled = Promise.resolve(); // when all that came is handled: messages wait for each other, as rows are unpacked
    this.#open();
    setInterval(() => { this.#tellSeen(); this.#watch(); }, SEEN_MS);
  }

  #open() {
    const address = new URL("live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ product: this.product, version: VERSION });
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.heardAt = performance.now();
    socket.onopen = () => {
      this.connected = true;
      this.openedAt = performance.now();
      this.seen = this.told = null;
      this.decoder = new Decoder();
      this.on.open();
    };
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      this.handled = this.handled.then(() => this.#take(socket, data));
    };
    socket.onclose = ({ reason }) => this.#lost(reason);
    this.socket = socket;
  }

  /** Tries again after a while, the longer the more often it was in vain. */
  #lost(reason) {
    this.connected = false;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.on.closed(reason);
    setTimeout(() => this.#open(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(2 * this.wait, MOST_WAIT_MS);
    if (!reason) this.#askWhy();
  }

  /** A token that is not valid any more looks like a server that does not answer. */
  async #askWhy() {
    try {
      const answer = await fetch("status");
      if (answer.status === 401) this.on.closed("a token is needed: open the address that the monitor shows");
    } catch {
      // It does not answer: that is said already.
    }
  }

  /** A connection may die without a word. */
  #watch() {
    const silent = performance.now() - this.heardAt > SILENT_MS;
    if (silent && this.connected) {
      this.socket.close();
      this.#lost("nothing came from the server");
    }
  }

  /** Handles a message; an invalid one closes the connection, since later ones cannot be trusted either. */
  async #take(socket, data) {
    if (!this.#isCurrent(socket)) return;
    try {
      await this.#understand(data);
    } catch (error) {
      if (!this.#isCurrent(socket)) return;
      socket.close();
      this.#lost(`the server sent a message that this page does not understand (${error.message})`);
      return;
    }
    // Reset the wait only after a good connection: a server that always fails would be asked four times a second.
    if (this.heardAt - this.openedAt > GOOD_MS) this.wait = FIRST_WAIT_MS;
  }

  /** Whether a message of this socket still counts: it may have waited while the connection was lost. */
  #isCurrent(socket) {
    return socket === this.socket && this.connected;
  }

  async #understand(data) {
    if (typeof data === "string") {
      this.bytes += data.length;
      this.on.text(read(data));
    } else {
      this.bytes += data.byteLength;
      const message = await this.decoder.decode(data);
      this.on.rows(message);
      this.seen = message.first + message.rows;
      // A tab that is not looked at has slow timers.
      if (document.hidden) this.#tellSeen();
    }
  }

  /** Tells the server the number after the last row that is here, a few times a second. */
  #tellSeen() {
    if (this.connected && this.seen !== null && this.seen !== this.told) {
      this.told = this.seen;
      this.#say({ seen: this.seen });
    }
  }

  /** Asks for all rows of a product, and each new one. */
  choose(product) {
    this.product = product;
    if (this.connected) this.#say({ product });
  }

  #say(words) {
    this.socket.send(JSON.stringify(words));
  }
}
