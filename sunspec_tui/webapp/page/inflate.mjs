// Decompress a message; refuse one that is too large.

const FORMAT = "deflate-raw";

/** Returns why this browser cannot show live rows; empty if it can. */
export function unpackingProblem() {
  try {
    new DecompressionStream(FORMAT);
    return "";
  } catch {
    return "this browser is too old for live rows: they need Chrome 103, Firefox 113, Safari 16.4 or newer";
  }
}

/** Unpacks bytes. Throws if they are invalid, or if the result is larger than `most` bytes. */
export async function inflate(packed, most) {
  const stream = new DecompressionStream(FORMAT), reader = stream.readable.getReader();
  const written = write(stream.writable.getWriter(), packed);
  const pieces = [];
  let size = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      size += read.value.length;
      if (size > most) throw new Error("the length of a message is wrong");
      pieces.push(read.value);
    }
  } finally {
    // Cancelling drops the unread data, which also ends the writing.
    reader.cancel().catch(() => {});
    await written;
  }
  return pieces.length === 1 ? pieces[0] : joined(pieces, size);
}

/** Writes all bytes. An error is not thrown here, because the reader throws the same error. */
async function write(writer, packed) {
  try {
    await writer.write(packed);
    await writer.close();
  } catch {
    // The reader throws it.
  }
}

function joined(pieces, size) {
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
