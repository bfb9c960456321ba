// The chain in order. Rows move at once; the page hears of it, and answers with the number of the move it has heard.

const SIGNS = { CLOSED: "●", OPEN: "■", HALF_OPEN: "◪", UNKNOWN: "○" };
const chains = new Map(); // parentElement -> {order, number, ...}

export default function ({ data, parentElement, setTriggerValue }) {
  const content = read(data);
  const root = parentElement.querySelector(".root");
  let chain = chains.get(parentElement);
  if (!chain) {
    chain = { number: content.number, order: content.order };
    chains.set(parentElement, chain);
    root.addEventListener("click", event => {
      const button = event.target.closest("button[data-move]");
      if (button) move(root, chain, button.dataset.provider, button.dataset.move);
    });
  }
  // A page that has not heard of the last move yet must not take it back.
  if (content.number >= chain.number) Object.assign(chain, { number: content.number, order: content.order });
  Object.assign(chain, { content, setTriggerValue });
  draw(root, chain);
  const stop = ticking(parentElement, content.at, 1000, content.ticks, ms => tick(root, chain, ms));
  return () => { stop(); chains.delete(parentElement); };
}

function move(root, chain, provider, how) {
  const order = chain.order.filter(name => name !== provider);
  const place = chain.order.indexOf(provider);
  if (how === "up") order.splice(place - 1, 0, provider);
  if (how === "down") order.splice(place + 1, 0, provider);
  if (how === "add") order.push(provider);
  if (!order.length) return;
  Object.assign(chain, { order, number: chain.number + 1 });
  draw(root, chain);
  root.querySelector(".said").textContent = how === "out"
    ? `${provider} left out` : `${provider} is ${order.indexOf(provider) + 1} of ${order.length}`;
  // The keyboard stays with the provider that moved, not with the place it has left.
  const own = [...root.querySelectorAll(`button[data-provider="${provider}"]`)].filter(button => !button.disabled);
  (own.find(button => button.dataset.move === how) ?? own[0])?.focus();
  chain.setTriggerValue("order", { order, number: chain.number });
}

function draw(root, chain) {
  const { rows, before, editable, at } = chain.content;
  const known = new Map(rows.map(row => [row.provider, row]));
  const list = node("ol", "", ...chain.order.filter(name => known.has(name)).map((name, i) => drawn(known.get(name), i, chain)));
  const outside = rows.filter(row => !chain.order.includes(row.provider));
  const rest = node("div", "outside", ...(outside.length ? ["not in the chain:"] : []), ...outside.flatMap(row => [
    node("span", "", row.provider, row.key ? ` (${row.key})` : ""), editable ? tool(row.provider, "add", "+ add", `Add ${row.provider}`) : null,
  ]));
  const said = node("div", "said");
  said.setAttribute("aria-live", "polite");
  said.textContent = root.querySelector(".said")?.textContent ?? "";
  root.className = "root";
  render(root, list, rest, said);
  tick(root, chain, new Date(at).getTime());

  function drawn(row, i, { order }) {
    const was = before.indexOf(row.provider);
    const name = node("span", "name", row.provider, i === 0 ? node("span", "primary", "PRIMARY") : null);
    const item = node("li", row.state,
      node("span", "position", `${i + 1}`), name,
      node("span", "where", node("span", "state", `${SIGNS[row.state]} ${row.state}`), " ", node("span", "timer")),
      node("span", "note", [was >= 0 && was !== i ? `was ${was + 1}` : was < 0 ? "new" : "", row.key, row.note].filter(Boolean).join(" · ")),
      editable ? node("span", "tools",
        tool(row.provider, "up", "▲", `Move ${row.provider} up`, i === 0),
        tool(row.provider, "down", "▼", `Move ${row.provider} down`, i === order.length - 1),
        tool(row.provider, "out", "✕", `Leave ${row.provider} out`, order.length === 1)) : null);
    item.dataset.provider = row.provider;
    item.querySelector(".note").title = row.note;
    return item;
  }
}

function tool(provider, how, text, label, disabled = false) {
  const button = node("button", "", text);
  Object.assign(button.dataset, { provider, move: how });
  button.setAttribute("type", "button");
  button.setAttribute("aria-label", label);
  button.setAttribute("title", label);
  if (disabled) button.setAttribute("disabled", "");
  return button;
}

function tick(root, chain, ms) {
  const known = new Map(chain.content.rows.map(row => [row.provider, row]));
  for (const item of root.querySelectorAll("li")) {
    const row = known.get(item.dataset.provider);
    if (row) write(item.querySelector(".timer"), timed(row, ms));
  }
}

// "0:42"; "probe in 0:18"; "isolated 29:10"
function timed(row, ms) {
  const since = row.since ? span((ms - new Date(row.since)) / 1000) : "";
  if (!row.until || row.state === "CLOSED") return since;
  const left = (new Date(row.until) - ms) / 1000;
  if (row.isolated) return left > 0 ? `isolated ${span(Math.ceil(left))}` : "isolation over";
  return left > 0 ? `probe in ${span(Math.ceil(left))}` : "next call tests it";
}
