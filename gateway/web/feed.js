// One connection to /stream that comes back by itself.

const SILENCE_MS = 15000; // blocks are sealed every second: longer silence is a dead connection
const WAIT_MS_MIN = 500;
const WAIT_MS_MAX = 10000;

export class Feed {
  // handlers: open() when streams can be asked for, message(stream, data), state("live"|"lost"|...).
  constructor(handlers) {
    this.handlers = handlers;
    this.waitMs = WAIT_MS_MIN;
    this.requestId = 0;
    this.connect();
    setInterval(() => this.checkSilence(), 1000);
    addEventListener("online", () => this.socket.readyState === WebSocket.CLOSED && this.connect());
  }

  connect() {
    clearTimeout(this.retry);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/stream`);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => {
      this.handlers.state("live");
      this.handlers.open();
    };
    socket.onmessage = (event) => {
      this.heardAt = performance.now();
      this.waitMs = WAIT_MS_MIN;
      const message = JSON.parse(event.data);
      if (message.stream) this.handlers.message(message.stream, message.data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.handlers.state("lost");
      this.retry = setTimeout(() => this.connect(), this.waitMs * (0.75 + Math.random() / 2));
      this.waitMs = Math.min(2 * this.waitMs, WAIT_MS_MAX);
    };
  }

  checkSilence() {
    const isOpen = this.socket.readyState === WebSocket.OPEN;
    if (isOpen && performance.now() - this.heardAt > SILENCE_MS) this.socket.close();
  }

  ask(method, params) {
    if (this.socket.readyState !== WebSocket.OPEN || params.length === 0) return;
    this.socket.send(JSON.stringify({ method, params, id: ++this.requestId }));
  }
}
