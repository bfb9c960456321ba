const SIGNS = { info: "·", waiting: "…", ok: "✓", warning: "◆", critical: "▲" };

export default function ({ data, parentElement }) {
  const { notes, role } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  if (role) root.setAttribute("role", role);
  render(root, ...notes.map(({ level, text }) => {
    const sign = node("span", "sign", SIGNS[level] ?? "·");
    sign.setAttribute("aria-label", level);
    return node("div", `note ${level}`, sign, node("span", "text", text));
  }));
}
