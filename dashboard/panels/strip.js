const LEVELS = {
  critical: ["▲", "CRITICAL"], warning: ["◆", "WARNING"], pending: ["◐", "PENDING"], ok: ["●", "OK"], "no data": ["○", "NO DATA"],
};

export default function ({ data, parentElement }) {
  const { verdict, window: [start, end], now } = read(data);
  const [sign, word] = LEVELS[verdict.level];
  const moves = verdict.mode !== "PAUSED" && !verdict.past; // else the page shows a moment that has passed
  const root = parentElement.querySelector(".root");
  root.className = `root ${verdict.level.replace(" ", "-")}${moves ? "" : " past"}`;
  render(root,
    node("div", "line",
      node("strong", "level", `${sign} ${moves ? "" : "WAS "}${word}`),
      node("span", "headline", verdict.headline),
      node("span", "since", said(verdict, verdict.at, now)),
      node("span", "count right", counted(verdict))),
    node("div", "line facts",
      node("span", "", verdict.chain),
      node("span", "", `${moves ? "last 5 min" : `5 min to ${clock(new Date(verdict.at), true)} UTC`}: ${verdict.traffic}`),
      node("span", "right",
        node("span", "", `${verdict.unparsed.toLocaleString("en")} unparsed line${verdict.unparsed === 1 ? "" : "s"}`),
        node("span", "", stretch(start, end, now)))));
  const since = root.querySelector(".since");
  return ticking(parentElement, verdict.at, 1000, moves, at => write(since, said(verdict, at, now)));
}

// "2 alerts, 1 pending"
function counted({ active, pending }) {
  const alerts = active ? [`${active} alert${active === 1 ? "" : "s"}`] : [];
  return [...alerts, ...(pending ? [`${pending} pending`] : [])].join(", ");
}

function said(verdict, at, now) {
  if (!verdict.since) return "";
  return `for ${span((new Date(at) - new Date(verdict.since)) / 1000)} · since ${moment(verdict.since, now)}`;
}

// "15:37:45 to 15:52:45 UTC (16:37 to 16:52 local)"; a day is said once, and only if it is not today's.
function stretch(start, end, now) {
  let said = day(new Date(now), true);
  const edge = (at, utc) => {
    const shown = day(at, utc) === said ? "" : `${(said = day(at, utc))} `;
    return shown + clock(at, utc);
  };
  const edges = [new Date(start), new Date(end)];
  const utc = edges.map(at => edge(at, true)).join(" to ");
  said = day(edges[0], true);
  return `${utc} UTC (${edges.map(at => edge(at, false)).join(" to ")} local)`;
}
