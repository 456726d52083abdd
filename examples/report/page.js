// What a page does beyond being read: values under the pointer, series switched on and off, axes
// logarithmic or linear. Everything is drawn without it.
"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};

// --- Numbers, as the figures write them ---

function text(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return grouped(String(value));
  if (size >= 1e6 || size < 1e-3) {
    const [mantissa, power] = value.toExponential(2).split("e");
    return grouped(Number(mantissa)) + "×10" + [...String(Number(power))].map(c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("");
  }
  return grouped(String(Number(value.toFixed(Math.max(0, 3 - Math.floor(Math.log10(size)))))));
}

function grouped(number) {
  const [whole, part] = String(number).replace("-", "−").split(".");
  return (whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, ",") : whole) + (part ? "." + part : "");
}

// --- The box beside the pointer ---

const tip = make("div", {id: "tip", hidden: true});
document.body.append(tip);

function show(content, event) {
  tip.replaceChildren(content);
  tip.hidden = false;
  const right = event.pageX + 18, width = document.documentElement.clientWidth;
  tip.style.left = Math.max(4, right + tip.offsetWidth > width - 4 ? event.pageX - tip.offsetWidth - 14 : right) + "px";
  tip.style.top = event.pageY + 16 + "px";
}

function hide() {
  tip.hidden = true;
  all(".cursor").forEach(node => node.remove());
}

// --- Series that are switched off ---

// `hidden` names series of one figure.
function refresh(figure) {
  for (const node of all("[data-series]", figure)) {
    const off = figure.hiddenSeries.has(node.dataset.series);
    if (node.tagName === "BUTTON") node.setAttribute("aria-pressed", String(!off));
    else node.classList.toggle("off", off);
  }
}

function toggle(figure, name) {
  if (!figure.hiddenSeries.delete(name)) figure.hiddenSeries.add(name);
  refresh(figure);
}

function startLegends(figure) {
  figure.hiddenSeries = new Set();
  for (const item of all(".legend li", figure)) {
    const name = item.dataset.series;
    const button = make("button", {type: "button", title: "Show or hide; with Shift: this one alone"}, ...item.childNodes);
    button.className = item.className;
    button.dataset.series = name;
    button.setAttribute("aria-pressed", "true");
    item.removeAttribute("data-series");
    item.append(button);
    button.onclick = event => {
      if (!event.shiftKey) return toggle(figure, name);
      const others = all(".legend button", figure).map(other => other.dataset.series).filter(other => other !== name);
      const alone = others.every(other => figure.hiddenSeries.has(other));
      figure.hiddenSeries = new Set(alone ? [] : others);
      refresh(figure);
    };
  }
}

// --- Logarithmic and linear axes ---

// A chart is there once for every combination: data-flip is "", "x", "y" or "xy".
function startAxes(figure) {
  const flips = new Set(all(".chart", figure).flatMap(chart => [...chart.dataset.flip || ""]));
  if (!flips.size) return;
  const flipped = new Set(), bar = make("div", {className: "axes"});
  for (const axis of [...flips].sort()) {
    const first = all(".chart", figure).find(chart => (chart.dataset.flip || "").includes(axis));
    const becomesLog = first.querySelector(".plot").dataset[axis].endsWith("log");
    const button = make("button", {type: "button"});
    const label = () => button.textContent = `${axis}: ${flipped.has(axis) === becomesLog ? "log" : "linear"}`;
    button.title = `Switch the ${axis} axis between linear and logarithmic`;
    button.onclick = () => {
      if (!flipped.delete(axis)) flipped.add(axis);
      label();
      for (const panel of all(".panel", figure)) {
        const wanted = [...flipped].sort().join(""), charts = all(".chart", panel);
        const best = charts.find(chart => chart.dataset.flip === wanted) ||
          charts.find(chart => chart.dataset.flip && wanted.includes(chart.dataset.flip)) || charts[0];
        charts.forEach(chart => chart.toggleAttribute("hidden", chart !== best));
      }
    };
    label();
    bar.append(button);
  }
  const switches = figure.querySelector(".switches") || make("div", {className: "switches"});
  switches.append(bar);
  figure.querySelector(".panels").before(switches);
}

// --- Values of curves ---

function scaleOf(words) {
  const [low, high, log] = words.split(" "), place = log ? Math.log : Number;
  const from = place(low), to = place(high);
  return value => (place(value) - from) / (to - from);
}

const svgNode = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

function startValues(panel) {
  const source = panel.querySelector("script");
  if (!source) return;
  const {label, series} = JSON.parse(source.textContent);
  for (const chart of all(".chart", panel)) {
    const plot = chart.querySelector(".plot"), scale = scaleOf(plot.dataset.x), height = scaleOf(plot.dataset.y);
    const figure = panel.closest("figure");
    let at = null;  // the x that is shown

    const point = (x, event) => {
      at = x;
      all(".cursor").forEach(node => node.remove());
      const px = scale(x) * plot.width.baseVal.value;
      plot.append(svgNode("path", {class: "cursor", d: `M${px},0V${plot.height.baseVal.value}`}));
      const table = make("table");
      for (const one of series) {
        const i = one.x.indexOf(x);
        if (i < 0 || figure.hiddenSeries.has(one.name)) continue;
        const y = plot.height.baseVal.value * (1 - height(one.y[i]));
        const name = make("td", {className: one.css}, "● "), row = make("tr", {}, name);
        name.append(make("span", {style: "color:var(--ink)"}, one.name));
        row.append(make("td", {}, make("b", {}, text(one.y[i]))));
        if (one.low) row.append(make("td", {}, `${text(one.low[i])} to ${text(one.high[i])}`));
        table.append(row);
        if (Number.isFinite(y) && one.y[i] !== null) {
          const mark = svgNode("g", {class: "cursor " + one.css});
          mark.append(svgNode("circle", {cx: px, cy: y, r: 5, class: "dot", "stroke-dasharray": "none"}));
          plot.append(mark);
        }
      }
      show(make("div", {}, make("b", {}, `${label}: ${text(x)}`), table), event);
    };
    const shown = () => [...new Set(series.filter(one => !figure.hiddenSeries.has(one.name)).flatMap(one => one.x))]
      .filter(x => scale(x) >= -0.01 && scale(x) <= 1.01).sort((a, b) => a - b);

    chart.addEventListener("pointermove", event => {
      const box = plot.getScreenCTM(), px = (event.clientX - box.e) / box.a / plot.width.baseVal.value;
      let nearest = null;
      for (const x of shown()) {
        if (nearest === null || Math.abs(scale(x) - px) < Math.abs(scale(nearest) - px)) nearest = x;
      }
      if (nearest !== null) point(nearest, event);
    });
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("blur", hide);
    chart.setAttribute("tabindex", "0");
    chart.addEventListener("keydown", event => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key], xs = shown();
      if (!step || !xs.length) return;
      event.preventDefault();
      const x = xs[Math.min(xs.length - 1, Math.max(0, xs.indexOf(at) + step))];
      const box = plot.getScreenCTM(), left = box.e + scale(x) * plot.width.baseVal.value * box.a;
      point(x, {pageX: left + scrollX, pageY: box.f + scrollY + 20});
    });
  }
}

// --- Start ---

for (const figure of all("figure")) {
  startLegends(figure);
  startAxes(figure);
  all(".panel", figure).forEach(startValues);
}
for (const node of all("[data-tip]")) {
  node.addEventListener("pointermove", event => show(make("div", {}, node.dataset.tip), event));
  node.addEventListener("pointerleave", hide);
}
addEventListener("keydown", event => event.key === "Escape" && hide());

// One norm in every figure that has it; series are of a norm if their name begins with it.
const isOf = (series, norm) => series === norm || [",", " "].includes(series[norm.length]) && series.startsWith(norm);
const norms = make("p", {id: "norms"}, "In all figures: ");
for (const norm of ["none", "batch", "layer", "instance", "group"]) {
  const users = all("figure").filter(figure => all(".legend button", figure).some(one => isOf(one.dataset.series, norm)));
  if (users.length < 2) continue;
  const button = make("button", {type: "button", className: "c-" + norm, textContent: norm});
  button.setAttribute("aria-pressed", "true");
  button.onclick = () => {
    const off = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!off));
    for (const figure of users) {
      const names = all(".legend button", figure).map(one => one.dataset.series).filter(name => isOf(name, norm));
      names.forEach(name => off ? figure.hiddenSeries.add(name) : figure.hiddenSeries.delete(name));
      refresh(figure);
    }
  };
  norms.append(button, " ");
}
const contents = document.querySelector("nav details");
if (norms.children.length) contents.after(norms);
// On a small screen the contents would hide the beginning.
const wide = matchMedia("(min-width: 1240px)");
const unfold = () => contents.open = wide.matches;
wide.addEventListener("change", unfold);
unfold();
// The section that is being read, in the contents.
const links = new Map(all("a", contents).map(link => [link.hash.slice(1), link]));
const reading = new IntersectionObserver(entries => {
  for (const entry of entries.filter(one => one.isIntersecting)) {
    links.forEach((link, id) => link.classList.toggle("here", id === entry.target.id));
  }
}, {rootMargin: "-10% 0px -80% 0px"});
all("section").forEach(section => reading.observe(section));

// --- A page that is written again while its subject lasts ---

// What was switched on a page stays so on the ones that follow it.
const switches = () => all("figure .legend button, figure .axes button, #norms button");
const nameOf = button => [(button.closest("figure") || {}).id, button.dataset.series || button.textContent.split(":")[0]].join(" ");
const stateOf = button => button.getAttribute("aria-pressed") || button.textContent;
const stateOfSwitches = () => Object.fromEntries(switches().map(button => [nameOf(button), stateOf(button)]));
const store = "switches of " + location.pathname;
try {
  const before = JSON.parse(sessionStorage.getItem(store)) || {};
  for (const button of switches()) {
    const name = nameOf(button);
    if (name in before && before[name] !== stateOf(button)) button.click();
  }
} catch { /* nothing was kept */ }

const live = document.querySelector("#live");
if (live) {
  const written = 1000 * live.dataset.written, patience = 120;
  const duration = seconds => seconds < 120 ? seconds + " s" : seconds < 7200
    ? Math.round(seconds / 60) + " min" : Math.round(seconds / 3600) + " h";
  const tell = () => {
    const age = Math.max(0, Math.round((Date.now() - written) / 1000));
    live.classList.toggle("old", age >= patience);
    live.textContent = age >= patience
      ? `No news for ${duration(age)}: the run may have died. This page shows how it stood then.`
      : `The run goes on. Written ${duration(age)} ago.`;
  };
  tell();
  setInterval(tell, 1000);
  // Not under the reader's hand.
  let touched = 0;
  for (const kind of ["pointermove", "keydown", "touchstart", "wheel"]) {
    addEventListener(kind, () => touched = Date.now(), {passive: true});
  }
  setInterval(() => {
    if (!document.hidden && Date.now() - touched > 4000) location.reload();
  }, 1000 * live.dataset.reload);
  addEventListener("pagehide", () => {
    try { sessionStorage.setItem(store, JSON.stringify(stateOfSwitches())); } catch { /* nothing is kept */ }
  });
}
