"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const LEFT = 56, RIGHT = 4;
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const reset = document.getElementById("reset");
  const svgNS = "http://www.w3.org/2000/svg";
  const charts = [];
  let from = 0, to = 0, total = 0; // the stretch shown, in seconds

  const clock = (s) => {
    const whole = Math.floor(s + 1e-9), two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
    const text = h ? h + ":" + two(m) + ":" + two(whole % 60) : m + ":" + two(whole % 60);
    const part = Math.round((s - whole) * 10);
    return part > 0 && part < 10 ? text + "." + part : text;
  };
  const show = (v) => {
    if (v === null || v === undefined) return "—";
    if (v === "inf") return "inf";
    const digits = Math.abs(v) >= 100 ? 0 : Math.abs(v) >= 1 || v === 0 ? 1 : 2;
    return v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800];

  function layout(c) {
    const box = c.svg.getBoundingClientRect();
    if (!box.width) return;
    c.width = Math.max(120, box.width - LEFT - RIGHT);
    c.svg.setAttribute("viewBox", "0 0 " + box.width + " " + c.height);
    c.plot.setAttribute("width", c.width);
    c.plot.setAttribute("viewBox", from / c.data.step + " 0 " + (to - from) / c.data.step + " " + c.plotHeight);
    for (const l of c.svg.querySelectorAll(".grid line")) l.setAttribute("x2", LEFT + c.width);
    const most = Math.max(3, Math.floor(c.width / 85));
    const step = steps.find((s) => (to - from) / s <= most) || to - from;
    c.time.replaceChildren();
    for (let at = Math.ceil(from / step - 1e-9) * step; at <= to - step * 0.2; at += step) {
      const t = document.createElementNS(svgNS, "text");
      t.setAttribute("x", LEFT + (at - from) / (to - from) * c.width);
      t.setAttribute("y", c.height - 7);
      t.setAttribute("text-anchor", "middle");
      t.textContent = clock(at);
      c.time.append(t);
    }
  }
  const layoutAll = () => charts.forEach(layout);

  function view(a, b) {
    const least = Math.min(total, 3 * Math.min(...charts.map((c) => c.data.step)));
    if (b - a < least) { const mid = (a + b) / 2; a = mid - least / 2; b = mid + least / 2; }
    from = Math.max(0, Math.min(a, total - least));
    to = Math.min(total, Math.max(b, from + least));
    reset.hidden = from <= 0 && to >= total;
    clear();
    layoutAll();
  }
  function clear() {
    for (const c of charts) {
      c.cross.setAttribute("visibility", "hidden");
      c.values.forEach((b) => { b.textContent = ""; });
      c.when.textContent = "";
    }
  }
  function read(at, speaker) {
    for (const c of charts) {
      const i = Math.max(0, Math.min(c.data.n - 1, Math.floor(at / c.data.step)));
      const mid = (i + 0.5) * c.data.step;
      const x = LEFT + (mid - from) / (to - from) * c.width;
      c.cross.setAttribute("x1", x);
      c.cross.setAttribute("x2", x);
      c.cross.setAttribute("visibility", mid < from || mid > to ? "hidden" : "visible");
      c.when.textContent = "at " + clock(i * c.data.step);
      c.values.forEach((b, k) => { b.textContent = show(c.data.lines[k].values[i]); });
      if (c === speaker) {
        c.say.textContent = "at " + clock(i * c.data.step) + ": " +
          c.data.lines.map((l) => l.name + " " + show(l.values[i]) + " " + c.data.unit).join(", ");
      }
    }
  }

  function listen(c) {
    const secondsAt = (e) => {
      const box = c.svg.getBoundingClientRect();
      const f = Math.max(0, Math.min(1, (e.clientX - box.left - LEFT) / c.width));
      return from + f * (to - from);
    };
    let start = null, cursor = null;
    const xOf = (s) => LEFT + (s - from) / (to - from) * c.width;
    c.svg.addEventListener("pointermove", (e) => {
      const at = secondsAt(e);
      read(at);
      if (start !== null) {
        c.drag.setAttribute("x", Math.min(xOf(start), xOf(at)));
        c.drag.setAttribute("width", Math.abs(xOf(at) - xOf(start)));
      }
    });
    c.svg.addEventListener("pointerdown", (e) => {
      if (e.pointerType !== "mouse" || e.button !== 0) return;
      start = secondsAt(e);
      c.svg.setPointerCapture(e.pointerId);
    });
    const end = (e) => {
      if (start === null) return;
      const a = start, b = secondsAt(e);
      start = null;
      c.drag.setAttribute("width", 0);
      if (e.type === "pointerup" && Math.abs(xOf(a) - xOf(b)) > 6) view(Math.min(a, b), Math.max(a, b));
    };
    c.svg.addEventListener("pointerup", end);
    c.svg.addEventListener("pointercancel", end);
    c.svg.addEventListener("pointerleave", () => { if (start === null) clear(); });
    c.svg.addEventListener("dblclick", () => view(0, total));
    c.figure.addEventListener("keydown", (e) => {
      const span = to - from;
      if (cursor === null || cursor < from || cursor > to) cursor = from + span / 2;
      switch (e.key) {
        case "ArrowLeft": cursor -= e.shiftKey ? span / 10 : c.data.step; break;
        case "ArrowRight": cursor += e.shiftKey ? span / 10 : c.data.step; break;
        case "Home": cursor = from; break;
        case "End": cursor = to; break;
        case "+": case "=": view(cursor - span / 4, cursor + span / 4); break;
        case "-": view(cursor - span, cursor + span); break;
        case "Escape": view(0, total); break;
        default: return;
      }
      e.preventDefault();
      cursor = Math.max(from, Math.min(to - c.data.step / 2, cursor));
      read(cursor, c);
    });
    c.figure.addEventListener("blur", clear);
  }

  for (const figure of document.querySelectorAll(".chart")) {
    const svg = figure.querySelector(".outer"), plot = figure.querySelector(".plot");
    const c = {
      figure, svg, plot, data: plots[figure.id.slice(2)],
      height: +svg.getAttribute("height"), plotHeight: +plot.getAttribute("height"), width: 0,
      time: figure.querySelector(".time"), cross: figure.querySelector(".cross"), drag: figure.querySelector(".drag"),
      values: [...figure.querySelectorAll(".legend b")], when: figure.querySelector(".when"), say: figure.querySelector("output"),
    };
    charts.push(c);
    total = Math.max(total, c.data.n * c.data.step);
    listen(c);
  }
  if (charts.length) {
    view(0, total);
    reset.addEventListener("click", () => view(0, total));
    new ResizeObserver(layoutAll).observe(document.body);
    addEventListener("beforeprint", layoutAll);
  }

  const raw = document.getElementById("raw");
  if (raw) {
    raw.addEventListener("toggle", () => {
      const pre = raw.querySelector("pre");
      if (raw.open && !pre.textContent) pre.textContent = JSON.stringify(JSON.parse(document.getElementById("run").textContent), null, 1);
    });
  }
})();
