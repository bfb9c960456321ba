export default function ({ data, parentElement }) {
  const { rows } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  if (!rows.length) {
    render(root, node("p", "quiet", "No fallback in this range."));
    return;
  }
  render(root, ...rows.map(row => node("section", "reason",
    node("div", "count", node("b", "", row.n.toLocaleString("en")), node("span", "quiet", ` ${Math.round(row.share * 100)} %`)),
    node("div", "what",
      node("b", "", row.advice.title),
      node("span", "quiet", ` reason: ${row.reason}${row.statuses.length ? `, HTTP ${row.statuses.join(", ")}` : ""}`),
      node("div", "hops", row.hops.map(hop => `${hop.from_provider ?? "not said"} → ${hop.to_provider ?? "not said"} ${hop.n.toLocaleString("en")}`).join(" · "))),
    node("div", "fix",
      row.advice.cause ? node("div", "", node("span", "quiet", "Cause: "), row.advice.cause) : null,
      node("div", "", node("span", "quiet", "Fix: "), row.advice.fix, node("span", "quiet", ` (${row.advice.section})`))))));
}
