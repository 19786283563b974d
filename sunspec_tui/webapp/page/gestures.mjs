// Zoom and pan by mouse and touch. Shares are parts of the element's width, from the left.

const MOVED_PX = 4, WHEEL_STEP = 0.0015;

/** Listens on an element; `on` has `zoom(factor, share)`, `pan(share)`, and `end()` after a drag. */
export function listenForGestures(at, on) {
  const pointers = new Map(); // positions of pressed pointers
  let drag = null; // pointer that pans, and where it was pressed

  const share = (x) => {
    const { left, width } = at.getBoundingClientRect();
    return Math.min(1, Math.max(0, (x - left) / Math.max(1, width)));
  };

  at.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode ? 30 : 1, along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) on.pan(along * lines / Math.max(1, at.clientWidth));
    else on.zoom(Math.exp(Math.min(1, Math.max(-1, event.deltaY * lines * WHEEL_STEP))), share(event.clientX));
    on.end();
  }, { passive: false });

  // Two fingers zoom the picture and not the page; one finger upwards still scrolls the page.
  at.addEventListener("touchstart", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });

  at.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event.clientX);
    drag = pointers.size === 1 ? { id: event.pointerId, from: event.clientX, moves: false } : null;
  });

  at.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId), x = event.clientX;
    if (before === undefined) return;
    if (pointers.size === 2) pinch(event.pointerId, x);
    else if (drag?.id === event.pointerId) {
      if (!drag.moves && Math.abs(x - drag.from) < MOVED_PX) return;
      if (!drag.moves) at.setPointerCapture(event.pointerId);
      drag.moves = true;
      on.pan((before - x) / Math.max(1, at.clientWidth));
    }
    pointers.set(event.pointerId, x);
  });

  function pinch(id, x) {
    const [[, other]] = [...pointers].filter(([each]) => each !== id);
    const before = Math.abs(pointers.get(id) - other), now = Math.abs(x - other);
    if (before < 8 || now < 8) return;
    on.zoom(before / now, share((x + other) / 2));
    on.pan((pointers.get(id) - x) / 2 / Math.max(1, at.clientWidth));
  }

  for (const kind of ["pointerup", "pointercancel"]) {
    at.addEventListener(kind, (event) => {
      if (!pointers.delete(event.pointerId)) return;
      if (drag?.moves || pointers.size) on.end();
      drag = null;
    });
  }
}
