// A table drawn from plain values: every text goes through textContent, so none is ever read as markup.
const place = (low, high, value) => high > low ? 100 * (Math.min(Math.max(value, low), high) - low) / (high - low) : 0;

function bar(cell, value) {
  const track = document.createElement("div");
  track.className = "glasscell-track";
  const zero = place(value.low, value.high, 0);
  const ends = { up: 0, down: 0 };
  for (const part of ["solid", "hatched"]) {
    const way = value[part] < 0 ? "down" : "up";
    const start = place(value.low, value.high, ends[way]);
    ends[way] += value[part];
    const end = place(value.low, value.high, ends[way]);
    const piece = document.createElement("div");
    piece.className = `glasscell-${part} glasscell-${way}`;
    piece.style.left = `${Math.min(start, end)}%`;
    piece.style.width = `${Math.abs(end - start)}%`;
    if (value.colour) piece.style.setProperty("--glasscell-bar", value.colour);
    track.append(piece);
  }
  if (value.solid * value.hatched < 0) {
    const net = document.createElement("div");
    net.className = "glasscell-zero glasscell-net";
    net.style.left = `${place(value.low, value.high, value.solid + value.hatched)}%`;
    track.append(net);
  }
  if (zero > 0.5 && zero < 99.5) {
    const line = document.createElement("div");
    line.className = "glasscell-zero";
    line.style.left = `${zero}%`;
    track.append(line);
  }
  cell.append(track);
}

function heat(cell, value) {
  cell.style.background = value.back;
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(value.back.slice(i, i + 2), 16));
  cell.style.color = 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#111" : "#fff";
  cell.textContent = value.text;
  if (value.tip) cell.title = value.tip;
}

function control(cell, kind, value, tell) {
  const input = document.createElement("input");
  if (kind === "check") {
    input.type = "checkbox";
    input.checked = value;
    input.addEventListener("change", () => tell(input.checked));
  } else {
    input.type = "color";
    input.value = value;
    input.addEventListener("change", () => tell(input.value));
  }
  input.addEventListener("click", (event) => event.stopPropagation());
  cell.append(input);
}

function fill(cell, kind, value, tell) {
  if (value === "") return;
  if (value === null || value === undefined) {
    if (kind === "progress") cell.append(document.createElement("progress"));
    return;
  }
  if (kind === "bar") bar(cell, value);
  else if (kind === "heat" || value.back) heat(cell, value);
  else if (kind === "check" || kind === "swatch") control(cell, kind, value, tell);
  else if (kind === "progress") {
    const done = document.createElement("progress");
    done.max = 1;
    done.value = value;
    cell.append(done);
  } else if (kind === "button") {
    if (!value) return;
    const press = document.createElement("button");
    press.textContent = value;
    cell.append(press);
  } else cell.textContent = value;
}

function render({ model, el }) {
  el.classList.add("glasscell-sheet");
  const table = document.createElement("table");
  el.append(table);
  // Names a row to the kernel, where it may stand elsewhere by now.
  const key = (i) => (model.get("_body").keys || [])[i] ?? null;
  const draw = () => {
    const columns = model.get("_columns");
    const body = model.get("_body");
    const keep = el.scrollTop;
    el.style.maxHeight = model.get("_height");
    const zoom = model.get("_zoom");
    el.style.setProperty("--glasscell-zoom", zoom);
    table.style.width = zoom > 1 ? `${100 * zoom}%` : "";
    table.deleteTHead();
    if (model.get("_heads")) {
      const heads = table.createTHead().insertRow();
      for (const column of columns) {
        const head = document.createElement("th");
        head.textContent = column.head;
        head.title = column.tip;
        head.className = `glasscell-${column.kind}`;
        head.style.width = column.width;
        heads.append(head);
      }
    }
    const rows = table.tBodies[0] || table.createTBody();
    const warned = new Set(body.warned.map((at) => at.join()));
    const marked = new Set(body.marked.map((at) => at.join()));
    const strong = new Set(body.strong);
    while (rows.rows.length > body.rows.length) rows.deleteRow(-1);
    body.rows.forEach((values, i) => {
      const line = rows.rows[i] || rows.insertRow();
      line.title = body.tips[i] || "";
      line.classList.toggle("glasscell-strong", strong.has(i));
      while (line.cells.length > values.length) line.deleteCell(-1);
      values.forEach((value, j) => {
        const cell = line.cells[j] || line.insertCell();
        const kind = columns[j].kind;
        cell.className = `glasscell-${kind}`;
        cell.dataset.row = i;
        cell.dataset.column = j;
        if (warned.has(`${i},${j}`)) cell.classList.add("glasscell-warned");
        if (marked.has(`${i},${j}`)) cell.classList.add("glasscell-marked");
        // A place that stays as it is keeps its button or input, which may be pressed at this moment.
        const written = JSON.stringify([kind, columns[j].width, value]);
        if (cell.written === written) return;
        cell.replaceChildren();
        cell.removeAttribute("style");
        cell.removeAttribute("title");
        if (columns[j].width && !model.get("_heads")) cell.style.width = columns[j].width;
        fill(cell, kind, value, (now) => {
          cell.written = "";
          model.send({ type: "changed", row: i, column: j, key: key(i), value: now });
        });
        cell.written = written;
      });
    });
    el.scrollTop = keep;
  };
  const at = (event) => {
    const cell = event.target.closest("td");
    if (!cell) return null;
    return { row: +cell.dataset.row, column: +cell.dataset.column, key: key(+cell.dataset.row) };
  };
  const onClick = (event) => {
    const where = at(event);
    if (where) model.send({ type: "clicked", ...where });
  };
  let last = "";
  const onMove = (event) => {
    if (!model.get("_hover")) return;
    const where = event.type === "mouseleave" ? null : at(event);
    const now = JSON.stringify(where);
    if (now !== last) model.send({ type: "hovered", ...(where || {}) });
    last = now;
  };
  table.addEventListener("click", onClick);
  table.addEventListener("mousemove", onMove);
  table.addEventListener("mouseleave", onMove);
  for (const name of ["_columns", "_body", "_height", "_heads", "_zoom"]) model.on(`change:${name}`, draw);
  draw();
  return () => { for (const name of ["_columns", "_body", "_height", "_heads", "_zoom"]) model.off(`change:${name}`, draw); };
}

export default { render };
