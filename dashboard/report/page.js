// Draws the charts that stand in the page as JSON. No request leaves it: its Content-Security-Policy forbids all.
"use strict";
const contents = JSON.parse(document.getElementById("charts").textContent);
const utc = ms => (ms === null ? null : new Date(ms).toISOString().slice(0, -1));
const toMs = edge => (typeof edge === "number" ? edge : Date.parse(`${String(edge).replace(" ", "T")}Z`));
const nodes = [];
let moving = false;

function color(name, percent) {
  const solid = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  if (percent === undefined) return solid;
  const [r, g, b] = [1, 3, 5].map(i => parseInt(solid.slice(i, i + 2), 16));
  return `rgba(${r},${g},${b},${percent / 100})`;
}

function themed(content) {
  const json = JSON.stringify(content.figure);
  return JSON.parse(json.replace(/"var\(--([a-z]+)(?:-(\d+))?\)"/g, (_, name, percent) => JSON.stringify(color(name, percent))));
}

async function draw() {
  for (const [number, content] of contents.entries()) {
    const { data, layout } = themed(content);
    for (const trace of data) {
      const times = trace.type === "bar" ? "base" : "x";
      trace[times] = trace[times]?.map(utc);
    }
    for (const shape of layout.shapes ?? []) {
      if ((shape.xref ?? "x") === "x") [shape.x0, shape.x1] = [utc(shape.x0), utc(shape.x1)];
    }
    layout.xaxis.range = layout.xaxis.range.map(utc);
    Object.assign(layout, { height: content.height, dragmode: "zoom", font: { ...layout.font, family: "system-ui, sans-serif" } });
    const node = document.getElementById(`chart-${number}`);
    await Plotly.react(node, data, layout, { displaylogo: false, responsive: true, modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] });
    if (!nodes.includes(node)) {
      nodes.push(node);
      node.on("plotly_relayout", change => follow(node, change));
    }
  }
  document.documentElement.dataset.drawn = "yes";
}

async function follow(source, change) {
  const edges = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
  if (moving || edges[0] === undefined) return;
  moving = true;
  for (const node of nodes) if (node !== source) await Plotly.relayout(node, { "xaxis.range": edges.map(toMs).map(utc) });
  moving = false;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
