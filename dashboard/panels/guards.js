// What the guards did, one row for each way; the line at the right is its course over the window.

export default function ({ data, parentElement }) {
  const { panel } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  const facts = panel.facts.map(([name, text]) => node("div", "fact", node("dt", "", name), node("dd", "", text)));
  render(root,
    ...(facts.length ? [node("dl", "", ...facts)] : []),
    ...(panel.empty ? [node("p", "quiet", panel.empty)] : []),
    ...panel.rows.map(drawn));
}

function drawn(row) {
  const kinds = row.kinds.map(([kind, n]) => node("span", "kind", `${kind} `, node("b", "", n.toLocaleString("en"))));
  const requests = `${row.requests.toLocaleString("en")} request${row.requests === 1 ? "" : "s"}`;
  return node("section", "guard",
    node("div", "count", node("b", "", row.times.toLocaleString("en"))),
    node("div", "what",
      node("b", "", `${row.guard} ${row.action}`), ` ${row.part}`, node("span", "quiet", ` · ${requests}`),
      node("div", "quiet said", row.what)),
    node("div", "kinds", ...kinds),
    course(row.spark));
}

function course(values) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  set(svg, { viewBox: `0 0 ${values.length} 14`, preserveAspectRatio: "none", class: "course", "aria-hidden": "true" });
  const path = document.createElementNS(NS, "path");
  set(path, { d: values.map((value, i) => value ? `M${i} 14V${(13 - value * 12).toFixed(1)}h0.8V14` : "").join("") || "M0 14" });
  svg.append(path);
  return svg;
}
