/* What the daemon is doing: one snapshot (GET /api/state) kept up to date by the events of ONE WebSocket.
 *
 *   store.state                 the snapshot or null before the first; replaced, never changed in place
 *   store.link                  {state: 'connecting' | 'live' | 'lost', since, retryAt}; writing controls are off unless live
 *   store.on(topic, fn) -> off  'state' anything changed (once per turn of the loop) | 'link' | 'reset' (fetch what you hold anew:
 *                               reconnected with a gap, or the daemon started anew) | 'job_ended' (fn(job)) | 'version' |
 *                               'preview_fault' (fn({camera, code, message})) | an event's topic, as photo_saved (fn(event, envelope)) | '*' every event
 *   store.job(id), store.jobOf(sessionId), store.scanJob()     live lookups among the active jobs
 *   store.live(jobId)           {phase, shot} of the last progress event
 *   store.preview(camera, fn) -> off   frames, newest only; none are asked for while the page is hidden
 *   store.ready                 a promise: the first snapshot is there, or it is clear that it will take a while
 *   store.now()                 the daemon's time as a Date
 *   store.retry()               connect now
 *   store.writable              whether commands can be given: connected, and whoever looks may do more than look
 *   store.allow({rest, write})  rest: nobody may look, so do not connect; write: whoever looks may give commands (me.js)
 * Passes with their shots: pass.js.
 */
import { get } from './api.js';
import { Socket } from './socket.js';

/** @typedef {import('./types.js').State} State  @typedef {import('./types.js').Job} Job  @typedef {import('./types.js').Frame} Frame */
/** @typedef {{id: string, at: string, event: any}} Envelope */

const ENDED = new Set(['completed', 'failed', 'cancelled']);
const REFRESH = 15_000; // a silent connection is asked for a sign of life after this; disk and temperature come with it

class Store {
  /** @type {State|null} */
  state = null;
  /** @type {import('./types.js').Link} */
  link = { state: 'connecting', since: new Date(), retryAt: null };
  boot = '';
  seq = 0;
  version = '';
  #skew = 0;
  /** @type {() => void} */
  #readied = () => {};
  /** @type {Promise<void>} */
  ready = new Promise(done => { this.#readied = done; });
  /** @type {Map<string, Set<Function>>} */
  #listeners = new Map();
  /** @type {Map<string, {phase: string|null, shot: number|null}>} */
  #progress = new Map();
  /** @type {Map<string, 'busy'|'again'>} */
  #fetching = new Map();
  /** @type {Set<string>} jobs of which everybody was told that they ended: that is told once */
  #ended = new Set();
  /** @type {Map<string, Set<(frame: Frame) => void>>} */
  #viewers = new Map();
  /** @type {Envelope[]|null} events that wait for a snapshot */
  #held = null;
  #told = false;
  #may = true;
  #barred = false;
  /** @type {Promise<void>|null} */
  #loading = null;
  #socket = new Socket({
    opened: () => this.#opened(),
    message: data => this.#message(data),
    frame: frame => this.#viewers.get(frame.camera)?.forEach(fn => fn(frame)),
    changed: link => { this.link = link; if (link.state === 'lost') this.#readied(); this.#tell('link'); },
  });

  /** Connects, and stays connected for ever. */
  start() {
    this.#socket.rest(this.#barred);
    document.addEventListener('visibilitychange', () => this.#subscribePreview());
    setInterval(() => { if (!document.hidden && this.link.state === 'live') this.#refresh(); }, REFRESH);
  }

  retry() { this.#socket.connect(); }
  get writable() { return this.link.state === 'live' && this.#may; }
  /** Whoever looks may do nothing but look. */
  get looking() { return !this.#may; }

  /** @param {{rest: boolean, write: boolean}} what */
  allow({ rest, write }) {
    const changed = write !== this.#may, back = this.#barred && !rest;
    this.#may = write;
    this.#barred = rest;
    this.#socket.rest(rest);
    if (changed) this.#tell('link');
    if (back && this.state) void this.#reset(); // whatever was asked meanwhile was refused
  }

  now() { return new Date(Date.now() + this.#skew); }

  /** @param {string} topic @param {Function} fn @returns {() => void} */
  on(topic, fn) {
    const set = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, set.add(fn));
    return () => { set.delete(fn); };
  }

  /** @param {string|null|undefined} id @returns {Job|undefined} */
  job(id) { return this.state?.jobs.find(job => job.id === id); }

  /** @param {string} session @returns {Job|undefined} */
  jobOf(session) { return this.state?.jobs.find(job => job.session_id === session); }

  /** The scan that has the rig, or the next one to have it. @returns {Job|undefined} */
  scanJob() {
    const order = ['running', 'pending', 'paused'];
    const scans = (this.state?.jobs ?? []).filter(job => job.kind === 'scan');
    return scans.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.queue_position ?? 0) - (b.queue_position ?? 0))[0];
  }

  /** @param {string} id */
  live(id) { return this.#progress.get(id) ?? { phase: null, shot: null }; }

  /** @param {string} camera @param {(frame: Frame) => void} fn @returns {() => void} */
  preview(camera, fn) {
    const set = this.#viewers.get(camera) ?? new Set();
    this.#viewers.set(camera, set.add(fn));
    this.#subscribePreview();
    return () => {
      set.delete(fn);
      if (!set.size) this.#viewers.delete(camera);
      this.#subscribePreview();
    };
  }

  #subscribePreview() {
    const camera = document.hidden ? null : [...this.#viewers.keys()].at(-1) ?? null;
    this.#socket.wantPreview(camera);
  }

  /** @param {string} topic @param {...unknown} args */
  #tell(topic, ...args) {
    for (const fn of [...(this.#listeners.get(topic) ?? [])]) fn(...args);
  }

  /** Listeners of 'state' hear of many changes in one turn of the loop once. */
  #changed() {
    if (this.#told) return;
    this.#told = true;
    setTimeout(() => { this.#told = false; this.#tell('state'); });
  }

  /** The socket is open: say where we are, with a snapshot first if there is none. */
  async #opened() {
    if (!this.state || this.#held) await this.#snapshot();
    this.#socket.hello(this.state ? `${this.boot}:${this.seq}` : null);
    this.#subscribePreview();
  }

  /** Fetches the snapshot; meanwhile events wait and those it already holds are dropped. */
  #snapshot() {
    this.#held ??= [];
    this.#loading ??= (async () => {
      try {
        this.#take(await get('/api/state', { timeout: 8000 }));
        this.#told = false;
        const held = this.#held ?? [];
        this.#held = null;
        held.forEach(envelope => this.#apply(envelope));
      } catch {
        this.#socket.failed();
      } finally {
        this.#loading = null;
      }
    })();
    return this.#loading;
  }

  /** @param {State} state */
  #take(state) {
    const id = String(state.seq), cut = id.lastIndexOf(':');
    const before = this.state;
    this.boot = cut > 0 ? id.slice(0, cut) : state.boot;
    this.seq = Number(id.slice(cut + 1));
    this.#skew = new Date(state.now).getTime() - Date.now();
    this.state = state;
    this.#versionIs(state.version);
    this.#readied();
    for (const job of before?.jobs ?? []) if (!this.job(job.id)) this.#fetchJob(job.id); // it ended while we did not look
    this.#changed();
  }

  async #refresh() {
    try {
      const state = await get('/api/state', { timeout: 8000 });
      const id = String(state.seq), seq = Number(id.slice(id.lastIndexOf(':') + 1));
      if (state.boot === this.boot && seq < this.seq) return; // events were quicker
      this.#take(state);
    } catch {
      this.#socket.failed();
    }
  }

  /** @param {any} message */
  #message(message) {
    if (message.type === 'event') {
      if (this.#held) this.#held.push(message);
      else this.#apply(message);
    } else if (message.type === 'reset') this.#reset();
    else if (message.type === 'preview_fault') this.#tell('preview_fault', message);
    else if (message.type === 'hello') {
      this.#versionIs(message.version);
      if (this.boot && message.boot !== this.boot) this.#reset();
    }
  }

  async #reset() {
    this.#progress.clear();
    await this.#snapshot();
    this.#tell('reset');
  }

  /** @param {string} version */
  #versionIs(version) {
    if (this.version && version && version !== this.version) this.#tell('version', version);
    this.version ||= version;
  }

  /** @param {Envelope} envelope */
  #apply(envelope) {
    const cut = envelope.id.lastIndexOf(':'), seq = Number(envelope.id.slice(cut + 1));
    if (envelope.id.slice(0, cut) === this.boot && seq <= this.seq) return;
    this.seq = seq;
    this.#skew = new Date(envelope.at).getTime() - Date.now();
    const { event } = envelope, patch = PATCHES[event.topic];
    if (event.topic === 'progress') this.#progress.set(event.job_id, { phase: event.phase, shot: event.shot });
    if (this.state && patch) this.state = patch(this.state, event);
    if (event.topic === 'job_created' || event.topic === 'job_changed') this.#fetchJob(event.job_id);
    this.#tell(event.topic, event, envelope);
    this.#tell('*', event, envelope);
    this.#changed();
  }

  /** The events name the job; the whole of it is read. One request at a time per job. @param {string} id */
  async #fetchJob(id) {
    if (this.#fetching.has(id)) { this.#fetching.set(id, 'again'); return; }
    do {
      this.#fetching.set(id, 'busy');
      try {
        this.#putJob(await get(`/api/jobs/${encodeURIComponent(id)}`));
      } catch {
        break; // gone, or the connection is: the next snapshot tells
      }
    } while (this.#fetching.get(id) === 'again');
    this.#fetching.delete(id);
  }

  /** @param {Job} job */
  #putJob(job) {
    if (!this.state) return;
    const ended = ENDED.has(job.state), at = this.state.jobs.findIndex(other => other.id === job.id);
    const jobs = this.state.jobs.filter(other => other.id !== job.id);
    if (!ended) jobs.splice(at < 0 ? jobs.length : at, 0, job);
    this.state = { ...this.state, jobs };
    if (ended && !this.#ended.has(job.id)) {
      this.#ended.add(job.id);
      this.#progress.delete(job.id);
      this.#tell('job_ended', job);
    }
    this.#changed();
  }
}

/** How events change the snapshot. @type {Record<string, (state: State, event: any) => State>} */
const PATCHES = {
  progress: (state, event) => withJob(state, event.job_id, { progress: event.progress, pass: event.pass }),
  job_changed: (state, event) => ENDED.has(event.state) ? state : withJob(state, event.job_id, { state: event.state, pass: event.pass, pause: event.pause, queue_position: event.queue_position }),
  rig_changed: (state, event) => ({ ...state, rig: { ...state.rig, turntable: moved(state.rig.turntable, event.turntable), tilt: moved(state.rig.tilt, event.tilt), state: event.state } }),
  guard_changed: (state, event) => ({ ...state, guards: [...state.guards.filter(guard => guard.name !== event.name), event] }),
};

/** @param {import('./types.js').Axis|null} axis @param {number|null} position */
const moved = (axis, position) => axis && { ...axis, position };

/** @param {State} state @param {string} id @param {Partial<Job>} change */
const withJob = (state, id, change) => ({ ...state, jobs: state.jobs.map(job => (job.id === id ? { ...job, ...change } : job)) });

export const store = new Store();
