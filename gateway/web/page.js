// The page: public REST and streams in, tables and a chart out.

import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { Feed } from "./feed.js";

const INTERVALS = ["1m", "15m", "1h", "1d"];
const BOOK_ROWS = 15;
const TRADE_ROWS = 31;
const BLOCK_ROWS = 8;
const PAINT_MS = 120; // the book changes more often than an eye can follow
const NODES_MS = 2000;

const byId = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

let market = null; // {symbol, base, quote, priceDecimals, quantityDecimals}
let interval = INTERVALS[0];
let subscribed = [];
let trades = [];
const blocks = new Map();

async function get(path, parameters) {
  const answer = await fetch(`${path}?${new URLSearchParams(parameters)}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// "0.01000000" has two decimals that matter.
function decimalsOf(step) {
  const [, fraction = ""] = step.replace(/0+$/, "").split(".");
  return fraction.length;
}

function readMarket(symbol) {
  const filter = (type) => symbol.filters.find((one) => one.filterType === type);
  return {
    symbol: symbol.symbol,
    base: symbol.baseAsset,
    quote: symbol.quoteAsset,
    priceDecimals: decimalsOf(filter("PRICE_FILTER")?.tickSize ?? "0.01"),
    quantityDecimals: decimalsOf(filter("LOT_SIZE")?.stepSize ?? "0.00001"),
  };
}

const price = (value) => Number(value).toFixed(market.priceDecimals);
const quantity = (value) => Number(value).toFixed(market.quantityDecimals);
const short = (value) => Number(value).toLocaleString(undefined, { maximumSignificantDigits: 6 });

// ---- Tables: rows are made once and filled again ----

function rowsOf(body, count, columns) {
  while (body.rows.length < count) {
    const row = body.insertRow();
    for (let i = 0; i < columns; i++) row.insertCell();
  }
  while (body.rows.length > count) body.deleteRow(-1);
  return Array.from(body.rows);
}

function fill(row, texts) {
  texts.forEach((text, index) => {
    if (row.cells[index].textContent !== text) row.cells[index].textContent = text;
  });
}

// ---- Book ----

function withTotals(levels) {
  let total = 0;
  return levels.map(([at, amount]) => ({ at, amount, total: (total += amount) }));
}

function paintSide(body, levels, most) {
  rowsOf(body, levels.length, 3).forEach((row, index) => {
    const { at, amount, total } = levels[index];
    fill(row, [price(at), quantity(amount), quantity(total)]);
    row.style.setProperty("--share", `${Math.round((100 * total) / most)}%`);
  });
}

function paintBook() {
  const bids = withTotals(book.top("bids", BOOK_ROWS));
  const asks = withTotals(book.top("asks", BOOK_ROWS));
  const most = Math.max(bids.at(-1)?.total ?? 0, asks.at(-1)?.total ?? 0) || 1;
  paintSide(byId("bids"), bids, most);
  paintSide(byId("asks"), asks.reverse(), most);
  const [bid, ask] = [bids[0], asks.at(-1)];
  byId("spread").textContent = bid && ask
    ? `Spread ${price(ask.at - bid.at)} (${(((ask.at - bid.at) / ask.at) * 100).toFixed(3)}%)`
    : "The book is empty on one side.";
  byId("update-id").textContent = book.updateId ?? "–";
}

let bookTimer = null;
const book = new Book(
  () => get("/api/v3/depth", { symbol: market.symbol, limit: 1000 }),
  () => {
    bookTimer ??= setTimeout(() => {
      bookTimer = null;
      if (market) paintBook();
    }, PAINT_MS);
  },
);

// ---- Trades ----

function paintTrades() {
  byId("no-trades").hidden = trades.length > 0;
  rowsOf(byId("trades"), trades.length, 3).forEach((row, index) => {
    const trade = trades[index];
    row.className = trade.isSell ? "sell" : "buy";
    fill(row, [price(trade.price), quantity(trade.quantity), clock.format(trade.time)]);
    const side = trade.isSell ? "sold" : "bought";
    row.cells[0].title = side;
    row.cells[0].setAttribute("aria-label", `${price(trade.price)}, ${side}`);
  });
}

let tradesTimer = null;
function addTrades(more) {
  const known = new Set(trades.map((trade) => trade.id));
  trades = [...more.filter((trade) => !known.has(trade.id)), ...trades];
  trades.sort((a, b) => b.id - a.id);
  trades.length = Math.min(trades.length, TRADE_ROWS);
  tradesTimer ??= setTimeout(() => {
    tradesTimer = null;
    if (market) paintTrades();
  }, PAINT_MS);
}

// ---- Figures ----

function paintFigures(ticker) {
  const rising = Number(ticker.change) >= 0;
  byId("last").textContent = price(ticker.last);
  byId("change").textContent = `${rising ? "▲ +" : "▼ "}${Number(ticker.percent).toFixed(2)}%`;
  byId("change").className = `change ${rising ? "up" : "down"}`;
  byId("high").textContent = price(ticker.high);
  byId("low").textContent = price(ticker.low);
  byId("volume").textContent = short(ticker.volume);
  byId("quote-volume").textContent = short(ticker.quoteVolume);
  byId("count").textContent = ticker.count.toLocaleString();
  document.title = `${price(ticker.last)} ${market.symbol} · Quorex`;
}

// ---- Chart ----

const chart = new Chart(byId("chart"), byId("chart-legend"));

async function loadCandles() {
  const wanted = `${market.symbol} ${interval}`;
  const rows = await get("/api/v3/klines", { symbol: market.symbol, interval, limit: 300 });
  if (wanted !== `${market.symbol} ${interval}`) return;
  const candles = rows.map(([time, open, high, low, close, volume]) => ({
    time, open: +open, high: +high, low: +low, close: +close, volume: +volume,
  }));
  chart.set(candles, market.priceDecimals);
}

// ---- Blocks ----

function paintBlocks() {
  const heights = Array.from(blocks.keys()).sort((a, b) => b - a);
  for (const height of heights.slice(BLOCK_ROWS)) blocks.delete(height);
  byId("no-blocks").hidden = blocks.size > 0;
  rowsOf(byId("blocks"), Math.min(heights.length, BLOCK_ROWS), 6).forEach((row, index) => {
    const block = blocks.get(heights[index]);
    const hash = `${block.hash.slice(0, 10)}…${block.hash.slice(-6)}`;
    const state = block.certified ? "✓ certified" : "sealed";
    fill(row, [String(block.height), hash, clock.format(block.time), String(block.txCount), String(block.fillCount), state]);
    row.cells[1].title = block.hash;
    row.cells[5].className = block.certified ? "certified" : "pending";
  });
}

// ---- Nodes ----

// What this node says of itself, and of the others as it last heard of them.
function nodesOf(status) {
  const self = { node: status.node, role: status.role, up: !status.halted, height: status.height, certifiedHeight: status.certifiedHeight };
  const others = status.peers.filter((peer) => peer.node !== status.node);
  return [self, ...others].sort((a, b) => a.node - b.node);
}

function paintNodes(status) {
  const self = status.halted ? "halted" : status.stuck ? "the chain is stuck" : status.admitting ? "takes orders" : "takes no orders: too many blocks without a certificate";
  byId("nodes").replaceChildren(...nodesOf(status).map((one) => {
    const item = document.createElement("li");
    const [name, role, heights] = ["b", "span", "span"].map((tag) => item.appendChild(document.createElement(tag)));
    name.textContent = `Node ${one.node}`;
    role.textContent = one.up ? one.role : "not heard of";
    heights.textContent = `${one.height.toLocaleString()} ✓ ${one.certifiedHeight.toLocaleString()}`;
    heights.className = "heights";
    item.dataset.state = !one.up ? "down" : one.role === "leader" ? "leader" : "up";
    item.title = `last block ${one.height}, certified up to ${one.certifiedHeight}${one.node === status.node ? `; you look at this node: it ${self}` : ""}`;
    if (one.node === status.node) item.setAttribute("aria-current", "true");
    return item;
  }));
}

async function loadNodes() {
  try {
    if (!document.hidden) paintNodes(await get("/quorex/v1/status", {}));
  } catch {
    byId("nodes").replaceChildren();
  }
  setTimeout(loadNodes, NODES_MS);
}

// ---- Streams ----

function streams() {
  const name = market.symbol.toLowerCase();
  return ["depth@100ms", "trade", "ticker", `kline_${interval}`].map((kind) => `${name}@${kind}`);
}

function subscribe() {
  const wanted = ["quorex@block", ...streams()];
  feed.ask("UNSUBSCRIBE", subscribed.filter((name) => !wanted.includes(name)));
  feed.ask("SUBSCRIBE", wanted.filter((name) => !subscribed.includes(name)));
  subscribed = wanted;
}

function onMessage(stream, data) {
  if (data.e === "blockSealed" || data.e === "blockCertified") {
    blocks.set(data.height, data);
    paintBlocks();
    return;
  }
  if (!market || !streams().includes(stream)) return;
  if (data.e === "depthUpdate") {
    book.onDifference(data);
  } else if (data.e === "trade") {
    addTrades([{ id: data.t, price: data.p, quantity: data.q, time: data.T, isSell: data.m }]);
    byId("last").textContent = price(data.p);
  } else if (data.e === "24hrTicker") {
    paintFigures({ last: data.c, change: data.p, percent: data.P, high: data.h, low: data.l, volume: data.v, quoteVolume: data.q, count: data.n });
  } else if (data.e === "kline") {
    const { t, o, h, l, c, v } = data.k;
    chart.update({ time: t, open: +o, high: +h, low: +l, close: +c, volume: +v });
  }
}

const STATES = { live: "Live", lost: "Connection lost, trying again…", connecting: "Connecting…" };

const feed = new Feed({
  open: () => {
    subscribed = [];
    if (market) load();
    else loadMarkets();
  },
  message: onMessage,
  state: (state) => {
    byId("connection").dataset.state = state;
    byId("connection").firstElementChild.textContent = STATES[state];
  },
});

// ---- Choosing ----

function press(group, value) {
  for (const button of byId(group).children) button.setAttribute("aria-pressed", button.value === value);
}

function offer(group, values, labels, choose) {
  byId(group).replaceChildren(...values.map((value, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.value = value;
    button.textContent = labels[index];
    button.addEventListener("click", () => choose(value));
    return button;
  }));
}

// The blocks before the first one that the stream brings. What the stream said is never older.
async function loadBlocks() {
  for (const block of await get("/quorex/v1/blocks", { limit: BLOCK_ROWS }))
    if (!blocks.has(block.height)) blocks.set(block.height, block);
  paintBlocks();
}

// Everything of the chosen market anew: streams first, so that no difference is missed.
async function load() {
  const { symbol } = market;
  subscribe();
  book.start();
  const results = await Promise.allSettled([
    get("/api/v3/trades", { symbol, limit: TRADE_ROWS }),
    get("/api/v3/ticker/24hr", { symbol }),
    loadCandles(),
    loadBlocks(),
  ]);
  if (market.symbol !== symbol) return;
  const [recent, day] = results.map((result) => result.value);
  if (recent) {
    addTrades(recent.map((trade) => ({ id: trade.id, price: trade.price, quantity: trade.qty, time: trade.time, isSell: trade.isBuyerMaker })));
  }
  if (day) {
    paintFigures({ last: day.lastPrice, change: day.priceChange, percent: day.priceChangePercent, high: day.highPrice, low: day.lowPrice, volume: day.volume, quoteVolume: day.quoteVolume, count: day.count });
  }
}

function chooseMarket(chosen) {
  market = chosen;
  trades = [];
  chart.set([], chosen.priceDecimals);
  book.reset();
  paintTrades();
  paintBook();
  press("markets", chosen.symbol);
  for (const place of document.querySelectorAll(".base")) place.textContent = chosen.base;
  for (const place of document.querySelectorAll(".quote")) place.textContent = chosen.quote;
  history.replaceState(null, "", `#${chosen.symbol}`);
  load();
}

function chooseInterval(chosen) {
  interval = chosen;
  press("intervals", chosen);
  if (!market) return;
  subscribe();
  loadCandles().catch(() => {});
}

async function loadMarkets() {
  try {
    const { symbols } = await get("/api/v3/exchangeInfo", {});
    const markets = symbols.map(readMarket);
    if (markets.length === 0) throw new Error("no market is listed yet");
    const find = (symbol) => markets.find((one) => one.symbol === symbol);
    offer("markets", markets.map((one) => one.symbol), markets.map((one) => `${one.base}/${one.quote}`), (symbol) => chooseMarket(find(symbol)));
    chooseMarket(find(location.hash.slice(1)) ?? markets[0]);
  } catch {
    setTimeout(loadMarkets, 2000);
  }
}

loadNodes();
offer("intervals", INTERVALS, INTERVALS, chooseInterval);
press("intervals", interval);
