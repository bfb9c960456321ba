const STATES = { CLOSED: "●", OPEN: "■", HALF_OPEN: "◪", UNKNOWN: "○" };
const WITHOUT_CAUSE = {
  CLOSED: "no transition in this log",
  OPEN: "cause not in the log",
  HALF_OPEN: "cause not in the log",
  UNKNOWN: "no attempt and no transition yet",
};

export default function ({ data, parentElement }) {
  const { cards, at, ticks, links } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  render(root, ...cards.map(card => drawn(card, at, links[card.provider] ?? [])));
  const timers = [...root.querySelectorAll(".timer")];
  return ticking(parentElement, at, 1000, ticks, ms => cards.forEach((card, i) => write(timers[i], timed(card.circuit, ms))));
}

function drawn(card, at, links) {
  const { circuit } = card;
  const swatch = node("i", "swatch");
  swatch.style.background = card.color;
  const rate = card.success_rate === null ? "no attempt" : `${(card.success_rate * 100).toFixed(1)} %`;
  const count = `n ${card.ended.toLocaleString("en")}${card.low_count && card.ended ? ", low" : ""}`;
  const failed = card.last_reason
    ? `failed: ${card.last_reason}, ${moment(card.last_failed_at, at)}` : "no failure in this range";
  const element = node("section", `card ${circuit.state}`,
    node("div", "head", swatch, node("span", "position", `${card.position}`), node("b", "name", card.provider),
      card.primary ? node("span", "primary", "PRIMARY") : null,
      ...links.map(way)),
    node("div", "row",
      node("span", "state", `${STATES[circuit.state]} ${circuit.state}`),
      node("span", "timer", timed(circuit, new Date(at).getTime())),
      circuit.inferred ? node("span", "inferred", "inferred") : null),
    node("div", "cause", circuit.cause || WITHOUT_CAUSE[circuit.state]),
    node("div", "row",
      node("b", "rate", rate),
      node("span", "count quiet", count),
      node("span", "p95", card.p95_s === null ? "" : `p95 ${card.p95_s.toFixed(1)} s`),
      spark(card.spark, card.color)),
    node("div", "last quiet", failed));
  element.setAttribute("aria-label", `${card.provider}, circuit ${circuit.state}`);
  element.lastChild.title = failed;
  return element;
}

// A way to the Operations page, with the action prepared.
function way({ label, href, title }) {
  const link = node("a", "way", label);
  link.setAttribute("href", href);
  link.setAttribute("title", title);
  link.setAttribute("target", "_self");
  return link;
}

// "for 0:42, probe in 0:18"
function timed(circuit, ms) {
  const since = circuit.since ? `for ${span((ms - new Date(circuit.since)) / 1000)}` : "";
  if (!circuit.probe_at) return since;
  const left = (new Date(circuit.probe_at) - ms) / 1000;
  return since + (left > 0 ? `, probe in ${span(Math.ceil(left))}` : ", the next call tests it");
}

// A line from 0 to 100 %, broken where nothing was tried.
function spark(values, color) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length} 14`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  let path = "";
  values.forEach((value, i) => {
    if (value === null) return;
    const y = (13 - value * 12).toFixed(1);
    path += i > 0 && values[i - 1] !== null ? `L${i + 0.5} ${y}` : `M${i} ${y}h1`;
  });
  const line = document.createElementNS(NS, "path");
  line.setAttribute("d", path);
  line.setAttribute("stroke", color);
  line.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(line);
  return svg;
}
