/* A pass with its shots and photos, live: what dome, dial, cells, plot and contact sheet draw.
 *
 *   const pass = watchPass(sessionId, 'upright', changed => draw())     changed: 'all' | 'shot' (pass.touched) | 'now'
 *   pass.info   PassInfo or null before it is loaded       pass.error   what went wrong while loading, or null
 *   pass.rig    the rig it was planned for, or null (rig.js: geometryOf)
 *   pass.shots  Shot[] in the order of the plan; state planned | saved | skipped | failed (the page's own word for the shot a paused
 *               job stands on after a fault)               pass.shot(number)
 *   pass.photo(number)  Photo or undefined                 pass.photos  Map shot -> Photo
 *   pass.current  number of the shot at work or null       pass.phase   move | settle | expose | save | null
 *   pass.touched  the shot that changed last               pass.close()
 * Several shots of one viewpoint (brackets, cameras) are separate shots.
 */
import { get } from './api.js';
import { debounce } from './dom.js';
import { store } from './store.js';

/** @typedef {import('./types.js').Shot} Shot  @typedef {import('./types.js').Photo} Photo */
/** @typedef {(change: 'all'|'shot'|'now') => void} Changed */

/** Every page of a list. @param {string} path @param {AbortSignal} signal @returns {Promise<any[]>} */
async function listAll(path, signal) {
  const items = [];
  let after = '';
  do {
    const page = await get(path + (after ? `${path.includes('?') ? '&' : '?'}after=${encodeURIComponent(after)}` : ''), { signal });
    if (Array.isArray(page)) return page;
    items.push(...page.items);
    after = page.next ?? '';
  } while (after);
  return items;
}

export class PassWatch {
  /** @type {import('./types.js').PassInfo|null} */
  info = null;
  /** @type {unknown} */
  error = null;
  /** @type {Shot[]} */
  shots = [];
  /** @type {Map<number, Photo>} */
  photos = new Map();
  /** @type {number|null} */
  current = null;
  /** @type {string|null} */
  phase = null;
  touched = 0;
  /** @type {any} the rig as it was when the pass was planned */
  rig = null;
  /** @type {Map<number, Shot>} */
  #byNumber = new Map();
  #ends = new AbortController();
  /** @type {Photo[]|null} photos that were saved while the list was on its way */
  #early = [];
  /** @type {Array<() => void>} */
  #offs = [];

  /** @param {string} session @param {string} name @param {Changed} changed */
  constructor(session, name, changed) {
    this.session = session;
    this.name = name;
    this.changed = changed;
    const mine = (/** @type {any} */ event) => event.session_id === session && event.pass === name;
    const reload = debounce(() => this.load(), 150);
    this.#offs = [
      store.on('photo_saved', (/** @type {any} */ event) => { if (event.session_id === session && event.photo.pass === name) this.#saved(event.photo); }),
      store.on('progress', (/** @type {any} */ event) => { if (mine(event)) this.#now(event.shot, event.phase); }),
      store.on('shot_failed', (/** @type {any} */ event) => { if (mine(event)) this.#mark(event.shot, 'failed'); }),
      store.on('job_changed', (/** @type {any} */ event) => { if (event.session_id === session) { if (event.state !== 'running') this.#now(null, null); reload(); } }),
      store.on('session_changed', (/** @type {any} */ event) => { if (event.session_id === session) reload(); }),
      store.on('reset', reload),
      reload.cancel,
    ];
    this.load();
  }

  /** @param {number} number */
  shot(number) { return this.#byNumber.get(number); }
  /** @param {number} number */
  photo(number) { return this.photos.get(number); }

  close() {
    this.#ends.abort();
    this.#offs.forEach(off => off());
  }

  async load() {
    const base = `/api/sessions/${encodeURIComponent(this.session)}`, { signal } = this.#ends;
    this.#early = [];
    try {
      const [detail, photos] = await Promise.all([
        get(`${base}/passes/${encodeURIComponent(this.name)}`, { signal }),
        listAll(`${base}/photos?pass=${encodeURIComponent(this.name)}`, signal),
      ]);
      this.#loaded(detail, photos.filter(photo => photo.pass === this.name));
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.changed('all');
  }

  /** @param {{pass: import('./types.js').PassInfo, shots: Shot[], rig?: any}} detail @param {Photo[]} photos */
  #loaded(detail, photos) {
    this.error = null;
    this.info = detail.pass;
    this.rig = detail.rig ?? null;
    this.shots = detail.shots;
    this.#byNumber = new Map(this.shots.map(shot => [shot.shot, shot]));
    this.photos = new Map(photos.map(photo => [photo.shot, photo]));
    this.#takeJob();
    const early = this.#early ?? [];
    this.#early = null;
    early.forEach(photo => this.#saved(photo, true));
  }

  /** What its job does: the shot at work, or the one it stands on. */
  #takeJob() {
    const job = store.jobOf(this.session), mine = job?.pass === this.name ? job : undefined;
    const stands = mine?.pause?.by === 'fault' ? this.#byNumber.get(mine.shot ?? -1) : undefined;
    if (stands?.state === 'planned') stands.state = 'failed';
    const { shot, phase } = mine?.state === 'running' ? store.live(mine.id) : { shot: null, phase: null };
    this.current = shot;
    this.phase = phase;
  }

  /** @param {Photo} photo @param {boolean} [quiet] */
  #saved(photo, quiet = false) {
    this.#early?.push(photo);
    const shot = this.#byNumber.get(photo.shot);
    if (!shot) return;
    const again = shot.state === 'saved' && shot.photo !== photo.name;
    Object.assign(shot, { state: 'saved', photo: photo.name, retaken: shot.retaken || again });
    this.photos.set(photo.shot, photo);
    this.touched = photo.shot;
    if (!quiet) this.changed('shot');
  }

  /** @param {number} number @param {string} state */
  #mark(number, state) {
    const shot = this.#byNumber.get(number);
    if (!shot) return;
    shot.state = state;
    this.touched = number;
    this.changed('shot');
  }

  /** @param {number|null} shot @param {string|null} phase */
  #now(shot, phase) {
    if (shot === this.current && phase === this.phase) return;
    this.current = shot;
    this.phase = phase;
    const failed = this.#byNumber.get(shot ?? -1);
    if (failed?.state === 'failed') failed.state = 'planned';
    this.changed('now');
  }
}

/** @param {string} session @param {string} name @param {Changed} changed */
export const watchPass = (session, name, changed) => new PassWatch(session, name, changed);
