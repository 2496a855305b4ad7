/* The one connection that stays open: a WebSocket that reconnects for ever, with jitter, and at once when the page is looked at again
 * or the network returns. Used by store.js only.
 *
 * Handlers: opened() (say hello), message(object), frame(Frame), changed(link).
 */

const FIRST = 400, LONGEST = 10_000, SILENT = 10_000;

/** @typedef {import('./types.js').Link} Link */

export class Socket {
  /** @type {WebSocket|null} */
  #socket = null;
  #tries = 0;
  /** @type {number|undefined} */
  #timer;
  /** @type {number|undefined} */
  #watch;
  /** @type {string|null} */
  #camera = null;
  /** @type {string|null|undefined} what the daemon was told last */
  #asked;
  #ready = false;
  #resting = true;
  /** @type {Link} */
  #link = { state: 'connecting', since: new Date(), retryAt: null };

  /** @param {{opened: () => void, message: (data: any) => void, frame: (frame: import('./types.js').Frame) => void, changed: (link: Link) => void}} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    const now = () => { if (!document.hidden && !this.#socket) this.connect(); };
    document.addEventListener('visibilitychange', now);
    addEventListener('online', now);
    addEventListener('pageshow', now);
  }

  connect() {
    clearTimeout(this.#timer);
    if (this.#socket || this.#resting) return;
    const url = new URL('/api/ws', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    this.#watch = window.setTimeout(() => this.failed(), SILENT); // no answer at all
    socket.onopen = () => this.handlers.opened();
    socket.onclose = () => { if (this.#socket === socket) this.failed(); };
    socket.onmessage = event => { if (this.#socket === socket) this.#received(event.data); };
  }

  /** The connection is no good: close it and try again. */
  failed() {
    this.#end();
    if (this.#resting) return;
    const wait = Math.min(LONGEST, FIRST * 2 ** this.#tries) * (0.5 + Math.random() / 2);
    this.#tries = Math.min(this.#tries + 1, 10);
    this.#timer = window.setTimeout(() => this.connect(), wait);
    this.#set('lost', new Date(Date.now() + wait));
  }

  /** Whether nobody may connect now; so it begins. @param {boolean} on */
  rest(on) {
    if (on === this.#resting) return;
    this.#resting = on;
    if (on) {
      this.#end();
      this.#set('connecting', null);
    } else {
      this.#tries = 0;
      this.connect();
    }
  }

  #end() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    clearTimeout(this.#watch);
    clearTimeout(this.#timer);
    socket?.close();
  }

  /** @param {string|null} after */
  hello(after) { this.#send({ type: 'hello', after }); }

  /** @param {string|null} camera */
  wantPreview(camera) {
    this.#camera = camera;
    if (this.#ready && this.#asked !== camera) {
      this.#asked = camera;
      this.#send({ type: 'preview', camera });
    }
  }

  /** @param {object} value */
  #send(value) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(value));
  }

  /** @param {string|ArrayBuffer} data */
  #received(data) {
    if (typeof data !== 'string') { this.#frame(data); return; }
    const message = JSON.parse(data);
    this.handlers.message(message);
    if (message.type !== 'hello') return;
    clearTimeout(this.#watch);
    this.#tries = 0;
    this.#ready = true;
    this.#asked = undefined;
    this.#set('live', null);
    if (this.#camera !== null) this.wantPreview(this.#camera);
  }

  /** Two bytes length, JSON header, JPEG. @param {ArrayBuffer} data */
  #frame(data) {
    const length = new DataView(data).getUint16(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 2, length)));
    this.handlers.frame({ ...header, jpeg: new Blob([data.slice(2 + length)], { type: 'image/jpeg' }) });
  }

  /** @param {Link['state']} state @param {Date|null} retryAt */
  #set(state, retryAt) {
    const since = state === this.#link.state ? this.#link.since : new Date();
    this.#link = { state, since, retryAt };
    this.handlers.changed(this.#link);
  }
}
