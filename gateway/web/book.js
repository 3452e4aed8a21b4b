// The local order book, kept as the API documents it: buffer the differences, take a snapshot, drop
// what the snapshot already holds, then apply each difference that begins where the last one ended.

export class Book {
  // `fetchSnapshot` resolves to the answer of GET /api/v3/depth; `changed` is called after changes.
  constructor(fetchSnapshot, changed) {
    this.fetchSnapshot = fetchSnapshot;
    this.changed = changed;
    this.round = 0;
    this.reset();
  }

  reset() {
    this.round++; // answers of an older round are ignored
    this.bids = new Map();
    this.asks = new Map();
    this.updateId = null; // null: no snapshot yet
    this.buffer = [];
  }

  start() {
    this.reset();
    this.loadSnapshot(this.round, 0);
  }

  async loadSnapshot(round, attempt) {
    try {
      const snapshot = await this.fetchSnapshot();
      if (round !== this.round) return;
      const first = this.buffer[0];
      if (first && snapshot.lastUpdateId + 1 < first.U) throw new Error("snapshot is too old");
      this.take(snapshot);
    } catch {
      if (round !== this.round) return;
      const wait = Math.min(200 * 2 ** attempt, 5000);
      setTimeout(() => round === this.round && this.loadSnapshot(round, attempt + 1), wait);
    }
  }

  take(snapshot) {
    this.bids = new Map(snapshot.bids);
    this.asks = new Map(snapshot.asks);
    this.updateId = snapshot.lastUpdateId;
    const waiting = this.buffer;
    this.buffer = [];
    for (const difference of waiting) {
      if (!this.apply(difference)) return;
    }
    this.changed();
  }

  onDifference(difference) {
    if (this.updateId === null) {
      this.buffer.push(difference);
    } else if (this.apply(difference)) {
      this.changed();
    }
  }

  // False when a difference is missing: the book has begun anew.
  apply(difference) {
    if (difference.u <= this.updateId) return true;
    if (difference.U > this.updateId + 1) {
      this.start();
      return false;
    }
    for (const [side, levels] of [[this.bids, difference.b], [this.asks, difference.a]]) {
      for (const [price, quantity] of levels) {
        if (Number(quantity) === 0) side.delete(price);
        else side.set(price, quantity);
      }
    }
    this.updateId = difference.u;
    return true;
  }

  // The best `count` levels of a side, best first: [price, quantity] as numbers.
  top(side, count) {
    const levels = Array.from(this[side], ([price, quantity]) => [Number(price), Number(quantity)]);
    levels.sort(side === "bids" ? (a, b) => b[0] - a[0] : (a, b) => a[0] - b[0]);
    return levels.slice(0, count);
  }
}
