const MODES = { LIVE: "●", PAUSED: "❚❚", STALE: "◌", WAITING: "◌" };

export default function ({ data, parentElement }) {
  const { mode, newest, newer, now } = read(data);
  const root = parentElement.querySelector(".root");
  const badge = node("b", `mode ${mode}`, `${MODES[mode]} ${mode}`);
  badge.setAttribute("role", "status");
  const spell = at => {
    const later = newer ? `, ${newer.toLocaleString("en")} newer events` : "";
    return newest === null ? "no event yet" : `newest event ${aged((new Date(at) - new Date(newest)) / 1000)} ago${later}`;
  };
  root.className = "root";
  render(root, badge, node("span", "quiet", spell(now)));
  const age = root.lastChild;
  return ticking(parentElement, now, 1000, true, at => write(age, spell(at)));
}

function aged(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  return seconds < 60 ? `${Math.floor(seconds)} s` : span(seconds);
}
