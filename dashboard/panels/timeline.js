export default function ({ data, parentElement }) {
  const { entries } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  if (!entries.length) {
    render(root, node("p", "", "Nothing happened in this range."));
    return;
  }
  const open = new Set([...root.querySelectorAll("details[open]")].map(details => details.dataset.key));
  render(root, node("ol", "", ...entries.map((entry, i) => {
    const lines = entry.lines.length ? node("details", "", node("summary", "", "line and surroundings"),
      node("pre", "", ...entry.lines.flatMap(line => [node(line.own ? "b" : "span", "", line.text), "\n"]))) : null;
    if (lines) {
      lines.dataset.key = `${entry.at} ${i}`;
      lines.open = open.has(lines.dataset.key);
    }
    return node("li", "", node("span", "at", entry.at), node("b", `step ${entry.step.replaceAll(" ", "-")}`, entry.step), entry.text, lines);
  })));
}
