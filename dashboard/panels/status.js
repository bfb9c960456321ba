const MODES = { LIVE: "●", PAUSED: "❚❚", STALE: "◌", WAITING: "◌" };

export default function ({ data, parentElement }) {
  const { mode, newest, newer, now } = read(data);
  const root = parentElement.querySelector(".root");
  const badge = node("b", `mode ${mode}`, `${MODES[mode]} ${mode}`);
  const age = node("span", "quiet");
  badge.setAttribute("role", "status");
  root.className = "root";
  root.replaceChildren(badge, age);
  return ticking(parentElement, now, 1000, true, at => {
    const later = newer ? `, ${newer.toLocaleString("en")} newer events` : "";
    age.textContent = newest === null ? "no event yet" : `newest event ${aged((at - new Date(newest)) / 1000)} ago${later}`;
  });
}

function aged(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  return seconds < 60 ? `${Math.floor(seconds)} s` : span(seconds);
}
