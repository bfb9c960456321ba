// Keeps a scrolling box at its end while it grows, until the reader scrolls up in it or marks text.
// Streamlit's own autoscroll takes a reader back to the end when a refresh meets the scrolling.

const followed = new WeakMap(); // box -> whether it is at its end

const atEnd = box => box.scrollHeight - box.clientHeight - box.scrollTop < 30;

function follow(className) {
  const box = className && document.querySelector(`.${className}`); // a page without such a box names none
  if (!box || followed.has(box)) return;
  const toEnd = () => { if (followed.get(box)) box.scrollTop = box.scrollHeight; };
  const leave = event => { if (!(event.deltaY > 0)) followed.set(box, false); }; // before the scrolling itself
  followed.set(box, true);
  toEnd();
  box.addEventListener("scroll", () => followed.set(box, atEnd(box)), { passive: true });
  box.addEventListener("wheel", leave, { passive: true });
  box.addEventListener("touchstart", leave, { passive: true });
  new MutationObserver(toEnd).observe(box, { childList: true, characterData: true, subtree: true });
}

function reading(className) {
  const box = className ? document.querySelector(`.${className}`) : null;
  const marked = getSelection();
  return box !== null && (followed.get(box) === false || (!marked.isCollapsed && box.contains(marked.anchorNode)));
}
