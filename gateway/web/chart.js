// Candles on a canvas. A candle is {time, open, high, low, close, volume}, numbers all.

const AXIS_WIDTH = 74;
const AXIS_HEIGHT = 20;
const STEP = 9; // pixels a candle
const VOLUME_SHARE = 0.18;

function niceStep(span, count) {
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= rough);
}

export class Chart {
  constructor(canvas, legend) {
    this.canvas = canvas;
    this.legend = legend;
    this.candles = [];
    this.decimals = 2;
    this.pointer = null;
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    canvas.addEventListener("pointermove", (event) => this.point(event.offsetX));
    canvas.addEventListener("pointerleave", () => this.point(null));
  }

  set(candles, decimals) {
    this.candles = candles;
    this.decimals = decimals;
    this.draw();
  }

  // The newest candle changed, or a new one began.
  update(candle) {
    const last = this.candles.at(-1);
    if (last && candle.time < last.time) return;
    if (last && candle.time === last.time) this.candles.pop();
    this.candles.push(candle);
    if (this.candles.length > 1000) this.candles.shift();
    this.draw();
  }

  point(x) {
    this.pointer = x;
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  paint() {
    const { canvas } = this;
    const box = canvas.parentElement.getBoundingClientRect();
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const width = box.width - AXIS_WIDTH;
    const height = box.height - AXIS_HEIGHT;
    const shown = this.candles.slice(-Math.max(1, Math.floor(width / STEP)));
    if (shown.length === 0 || width < 40) return;

    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.font = `11px ${style.fontFamily}`;
    let low = Math.min(...shown.map((candle) => candle.low));
    let high = Math.max(...shown.map((candle) => candle.high));
    const room = (high - low || high * 0.001 || 1) * 0.06;
    low -= room;
    high += room;
    const priceHeight = height * (1 - VOLUME_SHARE);
    const view = {
      pen, colour, shown, width, height, low, high,
      x: (index) => width - (shown.length - index - 0.5) * STEP,
      y: (price) => priceHeight * (1 - (price - low) / (high - low)),
    };
    this.paintGrid(view);
    this.paintCandles(view);
    this.paintLast(view);
    this.describe(view);
  }

  paintGrid({ pen, colour, shown, width, height, low, high, x, y }) {
    pen.strokeStyle = colour("--line");
    pen.fillStyle = colour("--quiet");
    pen.lineWidth = 1;
    pen.textBaseline = "middle";
    const step = niceStep(high - low, 6);
    for (let price = Math.ceil(low / step) * step; price < high; price += step) {
      const at = Math.round(y(price)) + 0.5;
      if (at < 8) continue; // its label would be cut
      pen.beginPath();
      pen.moveTo(0, at);
      pen.lineTo(width, at);
      pen.stroke();
      pen.fillText(price.toFixed(this.decimals), width + 8, at);
    }
    pen.textAlign = "center";
    const every = Math.ceil(90 / STEP);
    for (let i = shown.length - Math.ceil(every / 2); i >= 0; i -= every) {
      if (x(i) < 24) break;
      pen.fillText(this.label(shown, i), x(i), height + AXIS_HEIGHT / 2 + 2);
    }
    pen.textAlign = "left";
  }

  label(shown, index) {
    const length = shown.length > 1 ? shown[1].time - shown[0].time : 60000;
    const options = length >= 86400000 ? { month: "short", day: "numeric" }
      : { hour: "2-digit", minute: "2-digit", hour12: false };
    return new Intl.DateTimeFormat(undefined, options).format(shown[index].time);
  }

  paintCandles({ pen, colour, shown, height, x, y }) {
    const most = Math.max(...shown.map((candle) => candle.volume)) || 1;
    const body = STEP - 3;
    shown.forEach((candle, index) => {
      const tint = colour(candle.close >= candle.open ? "--bid" : "--ask");
      const centre = Math.round(x(index));
      const tall = (candle.volume / most) * height * (VOLUME_SHARE - 0.02);
      pen.fillStyle = tint;
      pen.globalAlpha = 0.28;
      pen.fillRect(centre - body / 2, height - tall, body, tall);
      pen.globalAlpha = 1;
      pen.fillRect(centre - 0.5, y(candle.high), 1, Math.max(1, y(candle.low) - y(candle.high)));
      const top = y(Math.max(candle.open, candle.close));
      const bottom = y(Math.min(candle.open, candle.close));
      pen.fillRect(centre - body / 2, top, body, Math.max(1, bottom - top));
    });
  }

  paintLast({ pen, colour, shown, width, y }) {
    const last = shown.at(-1);
    const at = Math.round(y(last.close)) + 0.5;
    const tint = colour(last.close >= last.open ? "--bid" : "--ask");
    pen.strokeStyle = tint;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.moveTo(0, at);
    pen.lineTo(width, at);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = tint;
    pen.fillRect(width + 2, at - 9, AXIS_WIDTH - 2, 18);
    pen.fillStyle = colour("--panel");
    pen.fillText(last.close.toFixed(this.decimals), width + 8, at);
  }

  describe({ shown, width }) {
    const away = this.pointer === null ? 0 : Math.floor((width - this.pointer) / STEP);
    const candle = shown[shown.length - 1 - Math.max(0, Math.min(shown.length - 1, away))];
    const text = (value) => value.toFixed(this.decimals);
    const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", hour12: false }).format(candle.time);
    this.legend.textContent = `${time}  O ${text(candle.open)}  H ${text(candle.high)}  L ${text(candle.low)}  C ${text(candle.close)}`;
    const last = shown.at(-1);
    this.canvas.setAttribute("aria-label",
      `Candle chart: ${shown.length} candles, last close ${text(last.close)}, ` +
      `lowest ${text(Math.min(...shown.map((one) => one.low)))}, highest ${text(Math.max(...shown.map((one) => one.high)))}`);
  }
}
