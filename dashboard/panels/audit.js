export default function ({ data, parentElement }) {
  const { acts } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  root.setAttribute("role", "list");
  root.tabIndex = 0; // so that the arrow keys scroll it
  render(root, ...acts.map(({ when, who, what, why, version }) => {
    const act = node("div", "act",
      node("div", "by", node("div", "when", `${when} UTC`), node("div", "who", who)),
      node("div", "what", what, version ? node("span", "quiet", ` · version ${version}`) : null,
        why ? node("div", "why", why) : null));
    act.setAttribute("role", "listitem");
    return act;
  }));
}
