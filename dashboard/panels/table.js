// A table of texts. Times stand in tabular figures, the last cell of a row may be a way. One that wraps has no box.

export default function ({ data, parentElement }) {
  const { table: { columns, rows, empty }, wraps } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = wraps ? "root wraps" : "root";
  if (!rows.length) {
    render(root, node("p", "quiet", empty));
    return;
  }
  const head = node("tr", "", ...columns.map(title => {
    const cell = node("th", "", title);
    cell.setAttribute("scope", "col");
    return cell;
  }));
  render(root, node("table", "", node("thead", "", head), node("tbody", "", ...rows.map(drawn))));
  root.setAttribute("tabindex", "0"); // to be scrolled by keyboard
}

function drawn({ cells, tone, href }) {
  return node("tr", tone, ...cells.map((text, i) => {
    if (!href || i < cells.length - 1) return node("td", "", text);
    const link = node("a", "way", text);
    link.setAttribute("href", href);
    link.setAttribute("target", "_self");
    return node("td", "", link);
  }));
}
