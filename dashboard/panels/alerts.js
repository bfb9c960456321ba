// The alert rules as rows: state in sign and word, value against threshold, how long, course, and the runbook's step.

const SIGNS = { firing: "▲", pending: "◐", ok: "○", no_data: "◌" };

export default function ({ data, parentElement }) {
  const { rows, at, ticks, was, links } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  root.setAttribute("role", "table");
  root.setAttribute("aria-label", "Alert rules");
  render(root, ...rows.map(row => drawn(row, was, links[row.name])));
  const timers = [...root.querySelectorAll(".timer")];
  return ticking(parentElement, at, 1000, ticks, ms => rows.forEach((row, i) => write(timers[i], timed(row, ms))));
}

function drawn(row, was, link) {
  const tone = row.active ? row.severity : row.phase === "pending" ? "pending" : row.phase;
  const sign = row.active ? (row.severity === "critical" ? "▲" : "◆") : SIGNS[row.phase];
  const asks = row.active || row.phase === "pending"; // what is well needs nothing done
  const count = row.phase === "no_data" || !row.count ? "" : `n ${row.count.toLocaleString("en")}`;
  const cell = (name, ...content) => {
    const found = node("span", `cell ${name}`, ...content);
    found.setAttribute("role", "cell");
    return found;
  };
  const element = node("div", `row ${tone}${row.active ? " active" : ""}`,
    cell("state", `${sign} ${was ? "was " : ""}${row.word}`),
    cell("title", row.title),
    cell("value", node("b", "", row.value), node("span", "quiet count", count)),
    cell("timer", ""),
    cell("course", spark(row)),
    cell("runbook", row.remark ? node("b", "remark", `${row.remark} · `) : null, row.runbook,
      asks && row.action ? node("span", "action", ` · ${row.action}`) : null),
    cell("do", link && asks ? way(link) : null));
  element.setAttribute("role", "row");
  element.setAttribute("title", [`${row.severity}: ${row.wants}`, row.remark, row.action].filter(Boolean).join("\n"));
  element.setAttribute("data-rule", row.name);
  return element;
}

// "3:10 of 5:00" while it must last, then for how long it has been firing.
function timed(row, ms) {
  const since = at => span((ms - new Date(at)) / 1000);
  if (row.active) return row.hold_s ? `${since(row.pending_at)} of ${span(row.hold_s)}` : `for ${since(row.pending_at)}`;
  if (row.phase === "pending") return `${since(row.pending_at)} of ${span(row.hold_s)}`;
  return row.phase === "ok" && row.hold_s ? `of ${span(row.hold_s)}` : "";
}

function way({ label, href, title }) {
  const link = node("a", "way", label);
  link.setAttribute("href", href);
  link.setAttribute("title", title);
  link.setAttribute("target", "_self");
  return link;
}

// The value over the window from zero, broken where there is none, with the threshold as a thin line.
function spark({ spark: values, line }) {
  const NS = "http://www.w3.org/2000/svg";
  const part = (name, attributes) => {
    const found = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    return found;
  };
  const svg = part("svg", { viewBox: `0 0 ${Math.max(values.length, 2)} 14`, preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" });
  const height = value => (13 - value * 12).toFixed(1);
  const level = height(Math.min(line, 1));
  svg.append(part("path", { d: `M0 ${level}H${Math.max(values.length, 2)}`, class: "line", "vector-effect": "non-scaling-stroke" }));
  let path = "";
  values.forEach((value, i) => {
    if (value === null) return;
    path += i > 0 && values[i - 1] !== null ? `L${i + 0.5} ${height(value)}` : `M${i} ${height(value)}h0.5`;
  });
  svg.append(part("path", { d: path, class: "values", "vector-effect": "non-scaling-stroke" }));
  return svg;
}
