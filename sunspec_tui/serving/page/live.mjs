// The connection to the server: it comes back by itself, says how far the page has come, and hands on what arrives.

const FIRST_WAIT_MS = 250, MOST_WAIT_MS = 4000, SEEN_MS = 250;

export class Live {
  /** `on` has `open`, `closed(wait, reason)`, `text(record)` and `bytes(buffer)`. */
  constructor(product, on) {
    this.product = product;
    this.on = on;
    this.wait = FIRST_WAIT_MS;
    this.connected = false;
    this.bytes = 0;
    this.seen = null;
    this.#open();
    setInterval(() => this.#tellSeen(), SEEN_MS);
  }

  #open() {
    const address = new URL("live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ product: this.product });
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.connected = true;
      this.wait = FIRST_WAIT_MS;
      this.seen = null;
      this.on.open();
    };
    socket.onmessage = ({ data }) => this.#take(data);
    socket.onclose = ({ reason }) => {
      if (socket !== this.socket) return;
      this.connected = false;
      this.on.closed(this.wait, reason);
      setTimeout(() => this.#open(), this.wait * (0.75 + Math.random() / 2));
      this.wait = Math.min(2 * this.wait, MOST_WAIT_MS);
    };
    this.socket = socket;
  }

  #take(data) {
    if (typeof data === "string") {
      this.bytes += data.length;
      this.on.text(JSON.parse(data));
    } else {
      this.bytes += data.byteLength;
      this.seen = this.on.bytes(data) ?? this.seen;
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
