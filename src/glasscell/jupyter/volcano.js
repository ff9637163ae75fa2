// Dots on a canvas that is clear elsewhere; words are elements, so that they follow the page's theme.
const REACH = 8; // a dot is meant within so many pixels
const BIG = { 0: 1.6, 1: 2.7, 2: 2.7 };

function word(parent, className, text, place) {
  const made = document.createElement("span");
  made.className = className;
  made.textContent = text;
  for (const [side, share] of Object.entries(place)) made.style[side] = `${100 * share}%`;
  parent.append(made);
  return made;
}

function render({ model, el }) {
  el.classList.add("glasscell-volcano");
  const key = el.appendChild(document.createElement("div"));
  key.className = "glasscell-key";
  const plot = el.appendChild(document.createElement("div"));
  plot.className = "glasscell-plot";
  const canvas = plot.appendChild(document.createElement("canvas"));
  const words = plot.appendChild(document.createElement("div"));
  const said = word(plot, "glasscell-said", "", {});
  let x = [], y = [], kind = [];

  const read = () => {
    const sent = model.get("_dots");
    const raw = sent && sent.byteLength ? sent.buffer.slice(sent.byteOffset, sent.byteOffset + sent.byteLength) : new ArrayBuffer(0);
    const n = raw.byteLength / 9;
    [x, y, kind] = [new Float32Array(raw, 0, n), new Float32Array(raw, 4 * n, n), new Uint8Array(raw, 8 * n, n)];
  };
  const draw = () => {
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [plot.clientWidth, plot.clientHeight];
    canvas.width = Math.max(Math.round(wide * ratio), 1);
    canvas.height = Math.max(Math.round(high * ratio), 1);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const inks = ["#8b95a1", ...(model.get("_picture").inks || [])];
    for (const of of [0, 1, 2]) { // those that lead a side lie on top
      pen.fillStyle = inks[of];
      pen.globalAlpha = of ? 1 : 0.6;
      pen.beginPath();
      for (let i = 0; i < x.length; i++) {
        if ((kind[i] & 3) !== of || !(Math.abs(x[i] + y[i]) < 9)) continue;
        const [across, down, r] = [x[i] * wide, (1 - y[i]) * high, BIG[of]];
        pen.moveTo(across + r, down);
        if (kind[i] & 4) {
          pen.moveTo(across, down - 1.5 * r);
          pen.lineTo(across + 1.3 * r, down + r);
          pen.lineTo(across - 1.3 * r, down + r);
          pen.closePath();
        } else pen.arc(across, down, r, 0, 2 * Math.PI);
      }
      pen.fill();
    }
  };
  const write = () => {
    const picture = model.get("_picture");
    key.replaceChildren();
    words.replaceChildren();
    (picture.key || []).forEach((text, i) => {
      const one = word(key, "glasscell-side", text, {});
      one.style.setProperty("--glasscell-ink", picture.inks[i]);
      one.title = text;
    });
    for (const [share, text] of picture.xticks || []) {
      word(words, "glasscell-xtick", text, { left: share });
      if (Number(text) === 0) word(words, "glasscell-null", "", { left: share });
    }
    for (const [share, text] of picture.yticks || []) word(words, "glasscell-ytick", text, { bottom: share });
    word(words, "glasscell-xname", picture.x || "", {});
    word(words, "glasscell-yname", picture.y || "", {});
    for (const name of picture.names || []) {
      const place = name.side === "right" ? { left: name.x, bottom: name.y } : { right: 1 - name.x, bottom: name.y };
      word(words, `glasscell-named glasscell-${name.side}`, name.text, place);
    }
  };
  const show = () => { read(); write(); draw(); };
  const tell = () => {
    const { dot, name } = model.get("_said");
    said.textContent = name || "";
    if (!name || !(dot < x.length)) return;
    said.style.bottom = `calc(${100 * y[dot]}% + 6px)`;
    said.style.left = x[dot] < 0.5 ? `${100 * x[dot]}%` : "";
    said.style.right = x[dot] < 0.5 ? "" : `${100 * (1 - x[dot])}%`;
  };
  const near = (event) => {
    const box = plot.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let [best, least] = [-1, REACH * REACH];
    for (let i = 0; i < x.length; i++) {
      const far = (x[i] * box.width - px) ** 2 + ((1 - y[i]) * box.height - py) ** 2 - ((kind[i] & 3) ? 4 : 0);
      if (far < least) [best, least] = [i, far];
    }
    return best;
  };
  const send = (type, dot) => model.send({ type, dot, number: model.get("_picture").number });
  let last = -1;
  const onMove = (event) => {
    const dot = event.type === "mouseleave" ? -1 : near(event);
    plot.style.cursor = dot < 0 ? "" : "pointer";
    if (dot !== last) send("hovered", dot);
    last = dot;
  };
  plot.addEventListener("mousemove", onMove);
  plot.addEventListener("mouseleave", onMove);
  plot.addEventListener("click", (event) => { const dot = near(event); if (dot >= 0) send("clicked", dot); });
  const sized = new ResizeObserver(draw);
  sized.observe(plot);
  model.on("change:_picture", show);
  model.on("change:_dots", show);
  model.on("change:_said", tell);
  show();
  return () => {
    sized.disconnect();
    model.off("change:_picture", show);
    model.off("change:_dots", show);
    model.off("change:_said", tell);
  };
}

export default { render };
