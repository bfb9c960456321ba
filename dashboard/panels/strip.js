const LEVELS = { critical: ["▲", "CRITICAL"], warning: ["◆", "WARNING"], ok: ["●", "OK"], "no data": ["○", "NO DATA"] };

export default function ({ data, parentElement }) {
  const { verdict, window: [start, end], now } = read(data);
  const [sign, word] = LEVELS[verdict.level];
  const since = node("span", "since");
  const root = parentElement.querySelector(".root");
  root.className = `root ${verdict.level.replace(" ", "-")}`;
  root.replaceChildren(
    node("div", "line",
      node("strong", "level", `${sign} ${word}`),
      node("span", "headline", verdict.headline),
      since,
      node("span", "right quiet", `${verdict.unparsed.toLocaleString("en")} unparsed line${verdict.unparsed === 1 ? "" : "s"}`)),
    node("div", "line facts",
      node("span", "label", "last 5 min"),
      ...verdict.facts.map(fact => node("span", `fact ${fact.level.replace(" ", "-")}`,
        node("span", "sign", LEVELS[fact.level][0]), ` ${fact.label} `, node("b", "", fact.value), ` ${fact.limit}`,
        node("span", "count", ` n ${fact.n.toLocaleString("en")}${fact.derived ? ", derived" : ""}`))),
      node("span", "right quiet", stretch(start, end, now))));
  return ticking(parentElement, verdict.at, 1000, verdict.mode !== "PAUSED" && !verdict.past, at => {
    since.textContent = verdict.since
      ? `since ${moment(verdict.since, verdict.at)}, ${span((at - new Date(verdict.since)) / 1000)}` : "";
  });
}

// "15:37:45 to 15:52:45 UTC (16:37 to 16:52 local)"
function stretch(start, end, now) {
  const edges = [new Date(start), new Date(end)];
  const days = utc => edges.map(at => (day(at, utc) === day(new Date(now), utc) ? "" : `${day(at, utc)} `));
  const [a, b] = edges.map((at, i) => days(true)[i] + clock(at, true));
  const [c, d] = edges.map((at, i) => days(false)[i] + clock(at, false));
  return `${a} to ${b} UTC (${c} to ${d} local)`;
}
