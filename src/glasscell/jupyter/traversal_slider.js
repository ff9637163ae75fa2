// One slider per factor on its histogram. Texts go through textContent; while the kernel is busy only the
// newest position waits to be told.
const WIDE = 1000;
const make = (tag, name, text = "") => {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
};

function shape(svg, name, d) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("class", name);
  path.setAttribute("d", d);
  svg.append(path);
}

function histogram(row) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  const parts = { seen: "", unseen: "" };
  const width = 1 / row.bars.length;
  row.bars.forEach((height, i) => {
    const middle = (i + 0.5) * width;
    const kind = row.low <= middle && middle <= row.high ? "seen" : "unseen";
    parts[kind] += `M${i * width} 1v${-0.9 * height}h${width}v${0.9 * height}z`;
  });
  shape(svg, "glasscell-beyond", `M0 0H${row.low}V1H0zM${row.high} 0H1V1H${row.high}z`);
  for (const kind of ["seen", "unseen"]) shape(svg, `glasscell-${kind}`, parts[kind]);
  shape(svg, "glasscell-start", `M${row.start} 0V1`);
  return svg;
}

function render({ model, el }) {
  el.classList.add("glasscell-factors");
  const queue = [];
  let waiting = false;
  let held = -1;
  let lines = [];
  const flush = () => {
    if (waiting || !queue.length) return;
    waiting = true;
    model.send(queue.shift());
  };
  const tell = (factor, step, moving) => {
    const last = queue[queue.length - 1];
    if (last && last.moving && last.factor === factor) queue.pop();
    queue.push({ type: "moved", factor, step, moving });
    flush();
  };
  const onMessage = (message) => {
    if (message.type !== "heard") return;
    waiting = false;
    flush();
  };
  const put = (line, step) => {
    const { row, input, value, box } = line;
    line.step = step;
    input.value = Math.round(WIDE * row.places[step]);
    input.setAttribute("aria-valuetext", row.values[step].toPrecision(3));
    value.textContent = row.values[step].toFixed(2);
    box.classList.toggle("glasscell-unobserved", !row.observed[step]);
  };
  const nearest = (row, share) => {
    let best = 0;
    row.places.forEach((place, i) => { if (Math.abs(place - share) < Math.abs(row.places[best] - share)) best = i; });
    return best;
  };
  const build = (row, number) => {
    const box = make("div", row.wide ? "glasscell-factor glasscell-wide" : "glasscell-factor");
    box.title = row.tip;
    const name = make("button", row.note ? "glasscell-name glasscell-quiet" : "glasscell-name", row.title);
    const track = make("div", "glasscell-place");
    const input = make("input", "");
    Object.assign(input, { type: "range", min: 0, max: WIDE, step: 1 });
    input.setAttribute("aria-label", row.title);
    const value = make("span", "glasscell-value");
    track.append(histogram(row), input);
    box.append(name, make("span", "glasscell-activity", row.wide ? row.activity : ""), track, value);
    const line = { row, box, input, value, step: 0 };
    name.addEventListener("click", () => model.send({ type: "named", factor: row.factor }));
    input.addEventListener("pointerdown", () => { held = number; });
    input.addEventListener("input", () => {
      const step = nearest(row, input.value / WIDE);
      if (step === line.step) return;
      const shown = input.value;
      put(line, step);
      input.value = shown;
      tell(row.factor, step, true);
    });
    const release = () => {
      held = -1;
      put(line, nearest(row, input.value / WIDE));
      tell(row.factor, line.step, false);
    };
    input.addEventListener("change", release);
    // A handle that is let go where it was taken changes nothing, and is let go all the same.
    const onUp = () => setTimeout(() => { if (held === number) release(); }, 0);
    for (const name of ["pointerup", "pointercancel"]) input.addEventListener(name, onUp);
    input.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!way) return;
      event.preventDefault();
      const step = Math.min(Math.max(line.step + way, 0), row.places.length - 1);
      if (step === line.step) return;
      put(line, step);
      tell(row.factor, step, false);
    });
    return line;
  };
  const hide = () => {
    const hidden = new Set(model.get("_hidden"));
    for (const line of lines) line.box.style.display = hidden.has(line.row.factor) ? "none" : "";
  };
  const follow = () => {
    const steps = model.get("_steps");
    lines.forEach((line, number) => {
      const factor = line.row.factor;
      line.box.classList.toggle("glasscell-active", factor === model.get("_active"));
      const own = number === held || queue.some((each) => each.factor === factor);
      if (!own && steps[number] !== undefined) put(line, steps[number]);
    });
  };
  const draw = () => {
    held = -1;
    lines = model.get("_rows").map(build);
    el.replaceChildren(...lines.map((line) => line.box));
    follow();
    hide();
  };
  const ears = { _rows: draw, _steps: follow, _active: follow, _hidden: hide };
  for (const [name, ear] of Object.entries(ears)) model.on(`change:${name}`, ear);
  model.on("msg:custom", onMessage);
  draw();
  return () => {
    for (const [name, ear] of Object.entries(ears)) model.off(`change:${name}`, ear);
    model.off("msg:custom", onMessage);
  };
}

export default { render };
