// One request as a waterfall: a row per step, its bar where it lies between the request's first moment and its last.

const words = { attempt: "call", wait: "wait", fallback: "fallback", circuit: "circuit transition" };

const seconds = ms => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`);

export default function ({ data, parentElement }) {
  const { story } = read(data);
  const root = parentElement.querySelector(".root");
  root.className = "root";
  const begin = Date.parse(story.start), whole = Math.max(Date.parse(story.end) - begin, 1);
  const place = at => 100 * (Date.parse(at) - begin) / whole;
  const row = step => {
    const length = Date.parse(step.end) - Date.parse(step.start), left = place(step.start);
    const bar = node("span", `bar ${step.kind} ${step.tone}`);
    bar.style.left = `${Math.min(left, 99.6)}%`;
    bar.style.width = length > 0 ? `max(2px, ${100 * length / whole}%)` : "";
    const lane = node("span", "lane", bar);
    lane.setAttribute("aria-hidden", "true");
    return node("li", `step ${step.kind}`,
      node("span", "at", `+${seconds(Date.parse(step.start) - begin)}`),
      node("span", "name", step.name),
      lane,
      node("span", "took", length > 0 ? seconds(length) : ""),
      node("span", `text ${step.tone}`, step.tone === "bad" ? `✕ ${step.text}` : step.tone === "ok" ? `✓ ${step.text}` : step.text));
  };
  const list = node("ol", "", ...story.steps.map(row));
  list.setAttribute("aria-label", `${story.steps.length} steps of the request, in order`);
  const kinds = Object.entries(words).map(([kind, word]) => [story.steps.filter(step => step.kind === kind).length, word])
    .filter(([n]) => n > 0).map(([n, word]) => `${n} ${word}${n === 1 ? "" : "s"}`);
  render(root,
    node("p", "head", node("b", "", story.status), ` in ${seconds(whole)}${story.derived ? " (time in calls: no line says the whole)" : ""}`,
      node("span", "quiet", ` · ${moment(story.start, story.end)} · ${kinds.join(", ")}${story.cut ? " · more than are shown" : ""}`)),
    list);
}
