// Rings when the log has grown: one trigger at a time, none while the tab is hidden, none faster than the page
// can follow. Without the event stream (a proxy may cut it) it rings once a second.

const bells = new Map();

export default function ({ data, parentElement, setTriggerValue }) {
  const content = read(data);
  let bell = bells.get(parentElement);
  if (!bell) {
    bell = { heard: content.version, asked: 0, took: 0 };
    bells.set(parentElement, bell);
    listen(bell, content);
  }
  if (bell.asked) bell.took = Date.now() - bell.asked;
  Object.assign(bell, { ...content, setTriggerValue, shown: content.version, shownAt: Date.now(), asked: 0 });
  consider(bell);
  return () => {
    bells.delete(parentElement);
    clearInterval(bell.timer);
    clearTimeout(bell.later);
    document.removeEventListener("visibilitychange", bell.seen);
    bell.stream.close();
  };
}

function listen(bell, { url }) {
  bell.stream = new EventSource(url);
  bell.stream.onmessage = event => {
    bell.heard = Number(event.data);
    consider(bell);
  };
  bell.timer = setInterval(() => consider(bell), 1000);
  bell.seen = () => consider(bell);
  document.addEventListener("visibilitychange", bell.seen);
}

function consider(bell) {
  clearTimeout(bell.later);
  follow(bell.lines);
  const now = Date.now();
  if (document.hidden || (bell.asked && now - bell.asked < 5000)) return;
  const deaf = bell.stream.readyState !== EventSource.OPEN;
  const due = bell.heard !== bell.shown || now - bell.shownAt >= (deaf ? 1000 : bell.beat_ms);
  if (!due) return;
  const rest = Math.max(bell.rest_ms, bell.took / 2) - (now - bell.shownAt); // a slow page gets a rest, a fast one none
  if (rest > 0) {
    bell.later = setTimeout(() => consider(bell), rest);
    return;
  }
  bell.asked = now;
  bell.setTriggerValue("ring", { heard: bell.heard, reading: reading(bell.lines) });
}
