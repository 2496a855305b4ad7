/* One session as the page holds it: its figures, its passes live (pass.js), which pass is shown and which shot is chosen. Everything
 * that draws a session listens here, so that choosing in one place moves all the others.
 *
 *   const model = new SessionModel(id); model.load({pass, shot}); ... model.close()
 *   model.on(kind, f) -> off      session   figures, states or passes changed        shown    another pass, or its shots were read anew
 *                                 shot(n)   that shot changed                        now      another shot is being taken
 *                                 chosen(by) another shot, or its photo came         pass(name) the shots of a pass that is not shown
 *                                 gone      deleted or never there                   failed(error)  it could not be read
 *   model.choose(shot, by)   by: sheet, plot, dome, viewer, keys          model.show(passName)
 */
import { get } from './api.js';
import { debounce } from './dom.js';
import { watchPass } from './pass.js';
import { standing } from './session-words.js';
import { nearest, ringsOf, turnOf } from './shots.js';
import { store } from './store.js';

/** @typedef {import('./types.js').Shot} Shot  @typedef {import('./types.js').PassInfo} PassInfo */
/** @typedef {import('./types.js').Session} Session  @typedef {import('./pass.js').PassWatch} PassWatch */

const LIVE_PASSES = 6; // more passes than these are followed by their figures alone until they are shown

export class SessionModel {
  /** @type {Session|null} */
  session = null;
  /** @type {Map<string, PassWatch>} */
  watches = new Map();
  passName = '';
  shot = 0;
  /** While a pass is photographed its newest photo is shown as it comes, until somebody chooses one. */
  following = true;
  /** @type {{pass?: string, shot?: number}} */
  #wanted = {};
  /** @type {Map<string, Set<(detail?: any) => void>>} */
  #listeners = new Map();
  #ends = new AbortController();
  /** @type {import('./shots.js').Ring[]|null} */
  #rings = null;

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    const soon = debounce(() => this.refresh(), 200);
    const mine = (/** @type {(event: any) => void} */ fn) => (/** @type {any} */ event) => { if (event.session_id === id) fn(event); };
    this.offs = [
      soon.cancel,
      ...['session_changed', 'lock_changed', 'job_created', 'job_changed', 'pass_completed'].map(topic => store.on(topic, mine(soon))),
      store.on('photo_saved', mine(event => this.#count(event.photo))),
      store.on('session_deleted', mine(() => this.#fire('gone'))),
      store.on('job_ended', (/** @type {any} */ job) => { if (job.session_id === id) soon(); }),
      store.on('reset', soon),
    ];
  }

  /** @param {string} kind @param {(detail?: any) => void} fn @returns {() => void} */
  on(kind, fn) {
    const set = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, set.add(fn));
    return () => { set.delete(fn); };
  }

  /** @param {string} kind @param {any} [detail] */
  #fire(kind, detail) {
    for (const fn of [...(this.#listeners.get(kind) ?? [])]) fn(detail);
  }

  close() {
    this.#listeners.clear();
    this.offs.forEach(off => off());
    this.#ends.abort();
    this.watches.forEach(watch => watch.close());
  }

  /* ---- reading ---- */

  /** @param {{pass?: string, shot?: number}} [wanted] */
  async load(wanted = {}) {
    this.#wanted = wanted;
    await this.refresh();
  }

  async refresh() {
    try {
      this.session = await get(`/api/sessions/${encodeURIComponent(this.id)}`, { signal: this.#ends.signal });
    } catch (error) {
      if (this.#ends.signal.aborted) return;
      this.#fire(/** @type {any} */ (error).status === 404 ? 'gone' : 'failed', error);
      return;
    }
    const passes = /** @type {Session} */ (this.session).passes;
    this.passName = this.#pick(passes);
    for (const pass of passes.slice(0, LIVE_PASSES)) this.#watch(pass.name);
    if (this.passName) this.#watch(this.passName);
    this.#fire('session');
  }

  /** @param {string} name */
  #watch(name) {
    if (!this.watches.has(name)) this.watches.set(name, watchPass(this.id, name, change => this.#passChanged(name, change)));
  }

  /** @param {string} name @param {'all'|'shot'|'now'} change */
  #passChanged(name, change) {
    const watch = /** @type {PassWatch} */ (this.watches.get(name));
    if (name !== this.passName) { if (change !== 'now') this.#fire('pass', name); return; }
    if (change === 'now') { this.#fire('now'); return; }
    if (change === 'all') {
      this.#rings = null;
      this.#settle();
      this.#fire('shown');
      return;
    }
    this.#fire('shot', watch.touched);
    const follows = this.following && watch.shot(watch.touched)?.state === 'saved';
    if (follows) this.shot = watch.touched;
    if (watch.touched === this.shot) this.#fire('chosen', follows ? 'follow' : 'photo');
  }

  /** Figures go along with each photo; the next reading of the session corrects them. @param {import('./types.js').Photo} photo */
  #count(photo) {
    const info = this.info(photo.pass), again = this.watches.get(photo.pass)?.shot(photo.shot)?.state === 'saved';
    if (!this.session || !info || again) return;
    Object.assign(info, { saved: Math.min(info.shots, info.saved + 1), bytes: info.bytes + photo.bytes });
    Object.assign(this.session, { photos: this.session.photos + 1, bytes: this.session.bytes + photo.bytes });
    this.#fire('session');
  }

  /* ---- what is shown ---- */

  /** The pass asked for, the one shown, the one at work, the first with photos. @param {PassInfo[]} passes */
  #pick(passes) {
    const named = (/** @type {string|undefined} */ name) => passes.find(pass => pass.name === name);
    const fit = named(this.#wanted.pass) ?? named(this.passName) ?? passes.find(pass => standing(pass) === 'running') ?? passes.find(pass => pass.saved) ?? passes[0];
    return fit?.name ?? '';
  }

  /** Keeps the chosen shot if it is there; else the one asked for, the newest photo of a pass at work, or the first. */
  #settle() {
    const { shot: wanted } = this.#wanted, shots = this.shots();
    if (!shots.length) return;
    if (wanted && this.watch()?.shot(wanted)) { this.shot = wanted; this.following = false; }
    this.#wanted = {};
    if (this.watch()?.shot(this.shot)) return;
    const taken = shots.filter(shot => shot.photo);
    this.shot = (this.info()?.state === 'running' ? taken[taken.length - 1] ?? shots[0] : taken[0] ?? shots[0]).shot;
  }

  /** Shows another pass, at the same viewpoint if it has one. @param {string} name */
  show(name) {
    if (name === this.passName || !this.info(name)) return;
    const place = this.chosen();
    this.passName = name;
    this.#rings = null;
    this.#watch(name);
    const same = place && nearest(this.shots().filter(shot => Math.abs(shot.elevation - place.elevation) < 0.5), place.azimuth);
    this.shot = same?.shot ?? 0;
    this.#settle();
    this.#fire('session');
    this.#fire('shown');
  }

  /** @param {number} shot @param {string} by */
  choose(shot, by) {
    this.following = false;
    if (shot === this.shot || !this.watch()?.shot(shot)) return;
    this.shot = shot;
    this.#fire('chosen', by);
  }

  watch(name = this.passName) { return this.watches.get(name) ?? null; }
  info(name = this.passName) { return this.session?.passes.find(pass => pass.name === name) ?? null; }
  shots() { return this.watch()?.shots ?? []; }
  chosen() { return this.watch()?.shot(this.shot) ?? null; }
  chosenPhoto() { return this.watch()?.photo(this.shot) ?? null; }
  rings() { return (this.#rings ??= ringsOf(this.shots())); }
  /** The ring of the chosen shot. */
  ring() { return this.rings().find(ring => ring.shots.some(shot => shot.shot === this.shot)) ?? null; }

  /** The shots with a photo once round the ring of the chosen one, and which of them is the chosen one or nearest to it. */
  turn() {
    const ring = this.ring(), chosen = this.chosen();
    const shots = ring ? turnOf(ring, shot => Boolean(shot.photo)) : [];
    const near = chosen && (shots.find(shot => shot.shot === this.shot) ?? nearest(shots, chosen.azimuth));
    return { shots, at: near ? shots.indexOf(near) : -1 };
  }

  /** The shot nearest to the chosen one in the ring above (1) or below (-1). @param {number} by @returns {Shot|null} */
  ringStep(by) {
    const ring = this.ring(), chosen = this.chosen();
    if (!ring || !chosen) return null;
    const rings = this.rings().filter(one => one.camera === ring.camera), next = rings[rings.indexOf(ring) + by];
    if (!next) return null;
    const taken = next.shots.filter(shot => shot.photo);
    return nearest(taken.length ? taken : next.shots, chosen.azimuth);
  }

  /** The shot before or after the chosen one in the order of the plan. @param {number} by @returns {Shot|null} */
  step(by) {
    const shots = this.shots();
    return shots[shots.findIndex(shot => shot.shot === this.shot) + by] ?? null;
  }

  /** The active job of this session, if there is one. */
  job() { return store.jobOf(this.id); }
}
