// Plotly.react on one lasting node. Data comes from dashboard/chart/__init__.py as UTF-8 JSON.

const charts = new Map(); // parentElement -> chart
const groups = new Map(); // name -> {zoom, revision}: charts with one time axis
let library;

function plotly(url) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { library = undefined; reject(new Error(`could not load ${url}`)); };
    document.head.append(script);
  });
  return library;
}

// "var(--red-15)" in a figure is the theme's red at 15 % opacity: a figure is built once for light and dark.
const TOKENS = {
  background: "--st-background-color", text: "--st-text-color", grid: "--st-border-color-light",
  muted: "--st-gray-color", accent: "--st-primary-color", red: "--st-red-color", orange: "--st-orange-color",
  green: "--st-green-color", gray: "--st-gray-color",
};

function themed(json, style) {
  return json.replace(/"var\(--([a-z]+)(?:-(\d+))?\)"/g, (_, name, percent) => {
    const solid = style.getPropertyValue(TOKENS[name] ?? TOKENS.text).trim();
    return JSON.stringify(percent === undefined ? solid : faded(solid, percent / 100));
  });
}

function faded(color, opacity) {
  const hex = /^#([0-9a-f]{6})$/i.exec(color);
  if (!hex) return color;
  const [r, g, b] = [0, 2, 4].map(i => parseInt(hex[1].slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},${opacity})`;
}

// Plotly shows a number on a date axis in local time; a string without zone is shown as it stands. Durations
// (the lengths of bars) stay numbers.
const utc = ms => (ms === null ? null : new Date(ms).toISOString().slice(0, -1));

const overTime = layout => layout.xaxis.type === "date";

function inUtc({ data, layout }) {
  for (const trace of data) {
    const times = trace.type === "bar" ? "base" : "x";
    trace[times] = trace[times]?.map(utc);
  }
  for (const shape of layout.shapes ?? []) {
    if ((shape.xref ?? "x") === "x") [shape.x0, shape.x1] = [utc(shape.x0), utc(shape.x1)];
  }
}

const toMs = edge => (typeof edge === "number" ? edge : Date.parse(`${String(edge).replace(" ", "T")}Z`));

export default async function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const raw = new TextDecoder().decode(data);
  const root = parentElement.querySelector(".metis-chart");
  const style = getComputedStyle(root);
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = { node: root.querySelector(".plot"), whole: root.querySelector(".whole"), drawn: "" };
    charts.set(parentElement, chart);
  }
  Object.assign(chart, { setTriggerValue, setStateValue });
  const mark = raw.slice(0, 27) + ["background", "text", "accent"].map(n => style.getPropertyValue(TOKENS[n])).join();
  if (mark !== chart.drawn) {
    chart.drawn = mark;
    const content = JSON.parse(themed(raw, style));
    content.figure.layout.font.family = style.getPropertyValue("--st-font");
    try {
      const Plotly = await plotly(content.plotly);
      const now = () => draw(Plotly, chart, content, root);
      if (chart.down) chart.held = now; // not under the reader's hand: a chart that is being dragged waits
      else await now();
    } catch (error) {
      const failure = root.querySelector(".failure");
      failure.textContent = `Chart not drawn: ${error.message}`;
      failure.hidden = false;
    }
  }
  return () => {
    charts.delete(parentElement);
    window.Plotly?.purge(chart.node);
  };
}

async function draw(Plotly, chart, content, root) {
  const { data, layout } = content.figure;
  root.querySelector(".title").textContent = content.title;
  root.querySelector(".unit").textContent = content.unit;
  chart.node.setAttribute("aria-label", content.alt);
  chart.name = content.group;
  chart.range = layout.xaxis.range;
  let group = groups.get(content.group);
  if (group?.revision !== layout.uirevision) {
    group = { zoom: null, revision: layout.uirevision };
    groups.set(content.group, group);
  }
  layout.height = content.height;
  if (overTime(layout)) {
    inUtc(content.figure);
    layout.xaxis.range = (group.zoom ?? chart.range).map(utc);
  }
  layout.xaxis.uirevision = content.mark; // the zoom is kept here, for the whole group
  chart.whole.hidden = group.zoom === null;
  // A phone has room for what is drawn, not for what could be.
  const traces = root.clientWidth < 600 ? data.filter(trace => trace.visible !== "legendonly") : data;
  await Plotly.react(chart.node, traces, layout, {
    displaylogo: false, doubleClick: false, displayModeBar: overTime(layout) ? "hover" : false,
    modeBarButtons: [["select2d", "zoom2d", "pan2d", {
      name: "whole", title: "Show the whole range", icon: Plotly.Icons.home, click: () => zoomTo(Plotly, chart, null),
    }]],
  });
  if (!chart.ready) {
    chart.ready = true;
    listen(Plotly, chart);
  }
  if (chart.pointer) { // a redraw takes the reader's tooltip away
    chart.node.querySelector(".nsewdrag")?.dispatchEvent(new MouseEvent("mousemove", { ...chart.pointer, bubbles: true }));
  }
}

function listen(Plotly, chart) {
  const { node } = chart;
  node.addEventListener("pointerdown", () => { chart.down = true; });
  window.addEventListener("pointerup", () => {
    chart.down = false;
    const { held } = chart;
    chart.held = null;
    if (held) setTimeout(held, 0); // after Plotly's own handler
  });
  node.addEventListener("pointermove", ({ clientX, clientY }) => { chart.pointer = { clientX, clientY }; });
  node.addEventListener("pointerleave", () => { chart.pointer = null; });
  node.on("plotly_doubleclick", () => zoomTo(Plotly, chart, null));
  node.on("plotly_selected", event => {
    const x = event?.range?.x;
    if (!x) return;
    Plotly.relayout(node, { selections: [] });
    chart.setTriggerValue("brush", x.map(toMs).sort((a, b) => a - b));
  });
  node.on("plotly_relayout", change => {
    if (chart.moving) return;
    const edges = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (edges[0] !== undefined) zoomTo(Plotly, chart, edges.map(toMs));
  });
  new ResizeObserver(() => node.offsetParent && Plotly.Plots.resize(node)).observe(node.parentElement);
  chart.whole.onclick = () => zoomTo(Plotly, chart, null);
}

async function zoomTo(Plotly, source, zoom) {
  groups.get(source.name).zoom = zoom;
  for (const chart of charts.values()) {
    if (chart.name !== source.name || !chart.ready) continue;
    chart.whole.hidden = zoom === null;
    chart.moving = true;
    await Plotly.relayout(chart.node, { "xaxis.range": (zoom ?? chart.range).map(utc) });
    chart.moving = false;
    const report = chart === source ? zoom : null; // one chart speaks for the group
    if (report !== null || chart.reported) chart.setStateValue("zoom", report);
    chart.reported = report !== null;
  }
}
