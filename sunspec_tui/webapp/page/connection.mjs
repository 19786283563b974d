// WebSocket connection to the server: reconnects, acknowledges rows and passes messages on.

import { Decoder, parseRecord, VERSION } from "./row-messages.mjs";

const FIRST_WAIT_MS = 250, MAX_WAIT_MS = 4000, GOOD_MS = 5000, ACKNOWLEDGE_MS = 250, SILENT_MS = 8000;

export class Connection {
  /** `on` has `open`, `closed(reason)`, `text(record)` and `rows(message)`. */
  constructor(product, on) {
    this.product = product;
    this.on = on;
    this.wait = FIRST_WAIT_MS;
    this.connected = false;
    this.bytes = 0;
    this.received = null;
    this.handled = Promise.resolve(); // resolves when all messages are handled; unpacking is asynchronous, and this keeps the order
    this.#open();
    setInterval(() => { this.#acknowledge(); this.#watch(); }, ACKNOWLEDGE_MS);
  }

  #open() {
    const address = new URL("live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ product: this.product, version: VERSION });
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.receivedAt = performance.now();
    socket.onopen = () => {
      this.connected = true;
      this.openedAt = performance.now();
      this.received = this.acknowledged = null;
      this.decoder = new Decoder();
      this.on.open();
    };
    socket.onmessage = ({ data }) => {
      this.receivedAt = performance.now();
      this.handled = this.handled.then(() => this.#handle(socket, data));
    };
    socket.onclose = ({ reason }) => this.#lost(reason);
    this.socket = socket;
  }

  /** Reconnects after a wait, which grows with each failure. */
  #lost(reason) {
    this.connected = false;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.on.closed(reason);
    setTimeout(() => this.#open(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(2 * this.wait, MAX_WAIT_MS);
    if (!reason) this.#findReason();
  }

  /** Reports an invalid token, which otherwise looks like a server that does not answer. */
  async #findReason() {
    try {
      const answer = await fetch("status");
      if (answer.status === 401) this.on.closed("a token is needed: open the address that the monitor shows");
    } catch {
      // The server does not answer, which the page already shows.
    }
  }

  /** Closes a connection that is silent: it may have been lost without a close event. */
  #watch() {
    const silent = performance.now() - this.receivedAt > SILENT_MS;
    if (silent && this.connected) {
      this.socket.close();
      this.#lost("the server sent nothing");
    }
  }

  /** Handles a message. An invalid one closes the connection, because later messages may be invalid too. */
  async #handle(socket, data) {
    if (!this.#isCurrent(socket)) return;
    try {
      await this.#decode(data);
    } catch (error) {
      if (!this.#isCurrent(socket)) return;
      socket.close();
      this.#lost(`the server sent a message that this page does not understand (${error.message})`);
      return;
    }
    // Reset the wait only after some seconds without an error. Otherwise a failing server would get four requests a second.
    if (this.receivedAt - this.openedAt > GOOD_MS) this.wait = FIRST_WAIT_MS;
  }

  /** True if this socket is the current connection: a message may have waited until after its loss. */
  #isCurrent(socket) {
    return socket === this.socket && this.connected;
  }

  async #decode(data) {
    if (typeof data === "string") {
      this.bytes += data.length;
      this.on.text(parseRecord(data));
    } else {
      this.bytes += data.byteLength;
      const message = await this.decoder.decode(data);
      this.on.rows(message);
      this.received = message.first + message.rows;
      // The timers of a hidden tab are slow, so acknowledge at once.
      if (document.hidden) this.#acknowledge();
    }
  }

  /** Sends the server the number after the last received row. */
  #acknowledge() {
    if (this.connected && this.received !== null && this.received !== this.acknowledged) {
      this.acknowledged = this.received;
      this.#send({ seen: this.received });
    }
  }

  /** Requests the history of a product and its new rows. */
  choose(product) {
    this.product = product;
    if (this.connected) this.#send({ product });
  }

  #send(message) {
    this.socket.send(JSON.stringify(message));
  }
}
