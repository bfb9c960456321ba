export default function ({ data, parentElement, setTriggerValue }) {
  const { rows, chosen } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  root.setAttribute("role", "list");
  root.tabIndex = 0; // so that the arrow keys scroll it
  render(root, ...rows.map(row => {
    const button = node("button", `row ${row.severity}`,
      node("span", "number", `${row.number}`),
      node("span", "sign", row.severity === "critical" ? "▲ critical" : "● warning"),
      node("span", "name", row.name),
      node("span", "quiet", `${row.start} · ${row.state}`),
      node("span", "quiet cost", row.cost));
    button.type = "button";
    button.dataset.id = row.id;
    if (row.id === chosen) button.setAttribute("aria-current", "true");
    const item = node("div", "", button);
    item.setAttribute("role", "listitem");
    return item;
  }));
  const current = root.querySelector("[aria-current]");
  if (current && root.dataset.shown !== chosen) { // only when another was chosen: the reader may have scrolled since
    root.dataset.shown = chosen;
    root.scrollTop = current.offsetTop - root.offsetTop - root.clientHeight / 3;
  }
  root.onclick = event => {
    const row = event.target.closest("button");
    if (row) setTriggerValue("chosen", row.dataset.id);
  };
}
