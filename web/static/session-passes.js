/* The passes of a session: dial, state, figures, why a pass stands still, and what can be done with it.
 *
 *   const panel = new PassesPanel(model); panel.el; panel.close()
 */
import { attr, h, icon, keyed, put } from './dom.js';
import { makeDial } from './dial.js';
import { count, span } from './format.js';
import { foreign, heldWords, holder, lockPill, putLock } from './lock-words.js';
import { passActions } from './session-actions.js';
import { brief, cutOff, jobAt, putState, standing, stateOf, stateWord } from './session-words.js';
import { store } from './store.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').PassInfo} PassInfo */

const FIGURES = ['saved', 'again', 'skipped', 'time'];

export class PassesPanel {
  /** @param {import('./session-model.js').SessionModel} model */
  constructor(model) {
    this.model = model;
    this.list = h('div.passlist');
    this.add = h('button.btn.bare', { type: 'button', 'data-action': 'add-pass', onclick: async () => { const { addPass } = await import('./add-pass.js'); await addPass(model); } }, icon('plus', 'sm'), t.sessions.addPass);
    this.el = h('section.pane.passes-p', { 'aria-labelledby': 'passes-h', 'data-part': 'passes' },
      h('div.pane-h', null, h('h2', { id: 'passes-h' }, t.sessions.passes), h('div.end', null, this.add)), this.list);
    for (const kind of ['session', 'shown', 'pass', 'shot', 'now']) model.on(kind, () => this.soon());
    this.offs = [store.on('state', () => this.soon()), store.on('link', () => this.soon())];
    this.frame = 0;
  }

  close() {
    this.offs.forEach(off => off());
    cancelAnimationFrame(this.frame);
  }

  /** Many changes in one frame are one drawing. */
  soon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const passes = this.model.session?.passes ?? [];
    attr(this.add, { 'aria-disabled': store.writable ? null : 'true' });
    keyed(this.list, passes, pass => pass.name, pass => this.make(pass), (el, pass) => this.update(el, pass));
  }

  /** @param {PassInfo} pass */
  make(pass) {
    return h('article.pass', { 'data-pass': pass.name }, makeDial(), h('div.who', null, h('h3', null, pass.name), stateWord(standing(pass)), h('div', null, lockPill())),
      h('dl.figs', null, FIGURES.map(name => h('div.ro.sm', { 'data-figure': name }, h('dt', null, t.sessions.figures[name]), h('dd')))),
      h('p.reason'), h('div.do'));
  }

  /** @param {HTMLElement} el @param {PassInfo} pass */
  update(el, pass) {
    const job = this.model.job(), state = stateOf(pass, job), mine = jobAt(pass, job);
    el.classList.toggle('shown', pass.name === this.model.passName);
    el.classList.toggle('done', state === 'completed');
    this.drawDial(/** @type {import('./dial.js').ScanDial} */ (el.firstElementChild), pass);
    putState(el.querySelector('.st'), state);
    this.drawFigures(el, pass, state === 'running' ? mine?.progress.eta_s ?? null : null);
    const lock = foreign(pass), pill = el.querySelector('.lock');
    putLock(pill, pass.lock, lock ? holder(lock) : undefined);
    attr(/** @type {Element} */ (pill), { hidden: !lock });
    put(el.querySelector('.reason'), lock ? heldWords(lock) : [this.lost(pass, state), WHY[state]?.(pass, mine) ?? ''].filter(Boolean).join(' '));
    this.drawActions(/** @type {Element} */ (el.querySelector('.do')), pass);
  }

  /** What is said of photos that are damaged or missing. @param {PassInfo} pass @param {string} state */
  lost(pass, state) {
    if (!pass.damaged) return '';
    const { format, origin } = this.model.session ?? {};
    return state !== 'completed' ? t.passes.damagedPhotos(pass.damaged) : t.passes.lostPhotos(pass.damaged, format !== 'current', origin === 'legacy');
  }

  /** @param {HTMLElement} el @param {PassInfo} pass @param {number|null} left seconds */
  drawFigures(el, pass, left) {
    const took = pass.duration_s ? span(pass.duration_s) : '–';
    /** @type {Record<string, [string, string]>} */
    const figures = { saved: [count(pass.saved), t.sessions.ofShots(pass.shots)], again: [count(pass.retaken), ''], skipped: [count(pass.skipped), ''], time: [left === null ? took : span(left), ''] };
    for (const [name, [value, unit]] of Object.entries(figures)) {
      const dd = /** @type {Element} */ (el.querySelector(`[data-figure="${name}"] dd`));
      if (dd.textContent !== value + unit) dd.replaceChildren(value, unit && h('small', null, unit));
    }
    put(el.querySelector('[data-figure="time"] dt'), left === null ? t.sessions.figures.time : t.sessions.figures.left);
  }

  /** @param {import('./dial.js').ScanDial} dial @param {PassInfo} pass */
  drawDial(dial, pass) {
    const watch = this.model.watch(pass.name), shots = watch?.shots ?? [], label = t.sessions.dialLabel(pass.name, pass.saved, pass.shots);
    const text = String(pass.saved || pass.shots), unit = t.sessions.dialUnit(pass.saved, pass.shots);
    const drawn = [text, unit, pass.skipped, shots.length, watch?.current, watch?.touched, shots.find(shot => shot.state === 'failed')?.shot].join();
    if (dial.dataset.drawn === drawn) return;
    dial.dataset.drawn = drawn;
    if (shots.length) dial.show({ shots, current: watch?.current, text, unit, label });
    else dial.share({ saved: pass.saved, skipped: pass.skipped, total: pass.shots, label, text, unit });
  }

  /** @param {Element} el @param {PassInfo} pass */
  drawActions(el, pass) {
    const off = !store.writable;
    keyed(el, passActions(this.model, pass), action => `${action.id} ${action.label}`,
      action => action.href ? h('a.btn', { href: action.href, 'data-action': action.id }, action.icon && icon(action.icon, 'sm'), action.label) : h(`button.btn${action.main ? '.main' : action.quiet ? '.bare' : ''}`, { type: 'button', 'data-action': action.id, onclick: (/** @type {Event} */ event) => this.run(pass.name, action.id, /** @type {Element} */ (event.currentTarget)) }, action.icon && icon(action.icon, 'sm'), action.label),
      button => attr(button, { 'aria-disabled': off ? 'true' : null }));
    if (el.children.length) el.classList.add('had'); // its room stays when the last action goes: nothing below moves
  }

  /** The action as it is now: a button may be older than the state. @param {string} name @param {string} id @param {Element} button */
  run(name, id, button) {
    const pass = this.model.info(name);
    passActions(this.model, /** @type {PassInfo} */ (pass)).find(action => action.id === id)?.run(button);
  }
}

/** Why a pass stands as it does, in a sentence. @type {Record<string, (pass: PassInfo, job: import('./types.js').Job|null) => string>} */
const WHY = {
  running: pass => (pass.started_at ? t.sessions.begun(brief(pass.started_at)) : ''),
  paused: (pass, job) => {
    const pause = job?.pause ?? pass.pause;
    if (pause?.reason === 'damaged' && pass.damaged) return ''; // how many there are says the same
    return pause ? t.sessions.stood(pause.message || (t.passes.pausedBy[pause.by] ?? ''), pause.resumes_by_itself) : '';
  },
  interrupted: cutOff,
  failed: (pass, job) => t.sessions.stood(job?.error?.message ?? pass.pause?.message ?? t.sessions.failedWhy, false),
  completed: pass => t.sessions.ended(pass.ended_at ? brief(pass.ended_at) : '', pass.shots - pass.saved),
  cancelled: pass => t.sessions.cancelledWhy(pass.ended_at ? brief(pass.ended_at) : ''),
  planned: () => t.sessions.plannedWhy,
  pending: (_pass, job) => t.sessions.waiting(job?.queue_position ?? 0),
};
