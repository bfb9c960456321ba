export default function ({ data, parentElement }) {
  const { head, rows, empty } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  if (!rows.length) {
    render(root, node("p", "", empty));
    return;
  }
  const row = (name, cells) => node("tr", "", ...cells.map(cell => node(name, "", cell)));
  render(root, node("table", "", node("thead", "", row("th", head)), node("tbody", "", ...rows.map(cells => row("td", cells)))));
}
