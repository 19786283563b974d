// Palettes, as the server has them.

const FIRST_WAIT_MS = 500, MOST_WAIT_MS = 8000, DIGITS = 256 * 6;

/** Palettes as tables of RGBA by their names; asks until the server gives them, and tells `on` why it does not. */
export async function palettes(on) {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, MOST_WAIT_MS)) {
    try {
      const answer = await fetch("palettes.json");
      if (answer.status === 401) throw new Error("a token is needed: open the address that the monitor shows");
      return tables(await answer.json());
    } catch (error) {
      on(`the server does not answer as it should (${error.message}), trying again`);
      await new Promise((resolve) => { setTimeout(resolve, wait); });
    }
  }
}

function tables(named) {
  const found = Object.fromEntries(Object.entries(named).map(([name, digits]) => [name, table(digits)]));
  if (!found.viridis || !found.diverging) throw new Error("palettes are missing");
  return found;
}

function table(digits) {
  if (typeof digits !== "string" || digits.length !== DIGITS) throw new Error("a palette without its colours");
  const colours = new Uint8Array(256 * 4);
  for (let n = 0; n < 256; n++) {
    for (let part = 0; part < 3; part++) colours[4 * n + part] = parseInt(digits.substr(6 * n + 2 * part, 2), 16);
    colours[4 * n + 3] = 255;
  }
  return colours;
}
