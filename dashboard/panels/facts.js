export default function ({ data, parentElement }) {
  const { groups } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  render(root, ...groups.map(facts => node("dl", "",
    ...facts.map(fact => node("div", "", node("dt", "", fact.name), node("dd", fact.known ? "" : "unknown", fact.value))))));
}
