// Shared beginning of the panels' scripts: nodes whose content is text, and times in words.

const read = data => JSON.parse(new TextDecoder().decode(data));

function node(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter(child => child !== null && child !== undefined)); // strings become text nodes
  return element;
}

// Makes the children of `parent` like `children`, touching only what differs: marked text stays marked.
function render(parent, ...children) {
  children.forEach((next, i) => {
    const old = parent.childNodes[i];
    if (!old) parent.append(next);
    else if (old.nodeName !== next.nodeName) old.replaceWith(next);
    else if (next.nodeType === Node.TEXT_NODE) write(old, next.data);
    else {
      for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
      render(old, ...next.childNodes);
    }
  });
  while (parent.childNodes.length > children.length) parent.lastChild.remove();
}

// Sets the text of a node, unless it is there already.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const two = n => String(n).padStart(2, "0");
const clock = (at, utc) => utc
  ? `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  : `${two(at.getHours())}:${two(at.getMinutes())}`;
const day = (at, utc) => utc
  ? `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`
  : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

// "02:41:07 UTC (04:41 local)"; the day when it is not the one of `near`.
function moment(iso, near) {
  const at = new Date(iso), reference = new Date(near);
  const dayUtc = day(at, true) === day(reference, true) ? "" : `${day(at, true)} `;
  const dayLocal = day(at, false) === day(at, true) ? "" : `${day(at, false)} `;
  return `${dayUtc}${clock(at, true)} UTC (${dayLocal}${clock(at, false)} local)`;
}

// 0:42, 6:10, 1:02:03, 3 d 4 h
function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s >= 86400) return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
  const rest = `${two(s % 60)}`, minutes = Math.floor(s / 60) % 60, hours = Math.floor(s / 3600);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

// Calls `tick(now in ms)` now and each `every` ms; the server's clock goes on, whatever this machine's says.
const tickers = new Map();
function ticking(parent, serverNow, every, moves, tick) {
  clearInterval(tickers.get(parent));
  const shift = new Date(serverNow).getTime() - Date.now();
  const run = () => tick(moves ? Date.now() + shift : new Date(serverNow).getTime());
  run();
  if (moves) tickers.set(parent, setInterval(run, every));
  return () => clearInterval(tickers.get(parent));
}

