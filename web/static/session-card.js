/* A session as a card of the gallery, and as an offer to go on with it.
 *
 *   makeCard(session)   updateCard(el, session)       a link with picture, title, line below, one small dial a pass
 *   new ResumeOffer({session, pass}); offer.el; offer.show(item); offer.close()   the unfinished pass with Resume, Finish as it is, Cancel
 */
import { photoUrl } from './api.js';
import { makeCells } from './cells.js';
import { makeDial } from './dial.js';
import { attr, h, icon, keyed, put } from './dom.js';
import { bytes } from './format.js';
import { watchPass } from './pass.js';
import { cancelPass, finishPass, resumePass, resumeWords } from './session-actions.js';
import { foreign, heldWords, holder, lockPill, putLock } from './lock-words.js';
import { putState, resumable, sessionState, stateOf, stateWord, subline, whyOpen } from './session-words.js';
import { store } from './store.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Session} Session  @typedef {import('./types.js').PassInfo} PassInfo */

const MOST_DIALS = 4;

/** @param {string} id */
export const sessionHref = id => `/sessions/${encodeURIComponent(id)}`;

/** @param {Session} session */
export const makeCard = session => h('a.card', { href: sessionHref(session.id), 'data-session': session.id },
  h('div.pic', null, h('span.blank', null, icon('scan'))), h('div.txt', null, h('h2'), h('span.sub'), h('div.cov')));

/** @param {HTMLElement} el @param {Session} session */
export function updateCard(el, session) {
  put(el.querySelector('h2'), session.title || session.id);
  put(el.querySelector('.sub'), subline(session));
  drawPicture(/** @type {HTMLElement} */ (el.querySelector('.pic')), session);
  drawBadge(/** @type {HTMLElement} */ (el.querySelector('.pic')), session);
  keyed(/** @type {Element} */ (el.querySelector('.cov')), session.passes.slice(0, MOST_DIALS), pass => pass.name, makeDial, (dial, pass) => {
    const drawn = `${pass.saved} ${pass.skipped} ${pass.shots} ${pass.state}`;
    if (dial.dataset.drawn === drawn) return;
    dial.dataset.drawn = drawn;
    dial.share({ saved: pass.saved, skipped: pass.skipped, total: pass.shots, label: t.sessions.dialLabel(pass.name, pass.saved, pass.shots) });
  });
}

/** @param {HTMLElement} pic @param {Session} session */
function drawPicture(pic, session) {
  const url = session.thumbnail ? photoUrl(session.id, session.thumbnail, 'thumb') : '', had = pic.querySelector('img');
  if ((had?.getAttribute('src') ?? '') === url) return;
  had?.remove();
  if (url) pic.prepend(h('img', { src: url, alt: '', width: 480, height: 360, loading: 'lazy', decoding: 'async', onerror: (/** @type {Event} */ event) => /** @type {Element} */ (event.target).remove() }));
}

/** Only what is not normal has a badge. @param {HTMLElement} pic @param {Session} session */
function drawBadge(pic, session) {
  const skipped = session.passes.reduce((n, pass) => n + pass.skipped, 0);
  const now = sessionState(session);
  const [state, word] = session.damage.length ? ['failed', t.sessions.damaged] : now !== 'completed' ? [now, undefined] : skipped ? ['failed', t.sessions.skippedShots(skipped)] : ['', undefined];
  const had = pic.querySelector('.st'), old = session.format === 'current' ? '' : t.sessions.legacy(t.sessions.format(session.format)), tag = pic.querySelector('.tag');
  if (!old) tag?.remove();
  else if (!tag) pic.append(h('span.tag.legacy', null, old));
  if (!state) had?.remove();
  else if (had) putState(had, state, word);
  else pic.append(stateWord(state, word));
}

/* ---- the offer to go on ---- */

/** @typedef {import('./unfinished.js').Unfinished} Unfinished */

export class ResumeOffer {
  /** @param {Unfinished} item */
  constructor(item) {
    this.item = item;
    const button = (/** @type {string} */ id, /** @type {string} */ kind, /** @type {(button: Element) => void} */ run, /** @type {any[]} */ ...content) =>
      h(`button.btn${kind}`, { type: 'button', 'data-action': id, onclick: (/** @type {Event} */ event) => run(/** @type {Element} */ (event.currentTarget)) }, ...content);
    this.pic = h('a.pic', { tabindex: -1, 'aria-hidden': 'true' });
    this.cells = makeCells();
    this.line = h('span');
    this.title = h('a');
    this.facts = h('div.line');
    this.lock = lockPill();
    this.state = stateWord('paused');
    this.label = h('span');
    this.watchLink = h('a.btn.watch', { href: '/', hidden: true, 'data-action': 'watch' }, icon('eye'), t.passes.watch);
    this.locksLink = h('a.btn', { href: '/jobs?locks', hidden: true, 'data-action': 'to-locks' }, icon('lock', 'sm'), t.passes.toLocks);
    this.buttons = [
      button('resume', '.pri.big', target => void resumePass(this.item.session.id, this.item.pass, target), icon('play'), this.label),
      button('finish', '', target => void finishPass(this.item.session.id, this.item.pass, target), t.passes.finish),
      button('cancel', '.bare', target => void cancelPass(this.item.session.id, this.item.pass, target), t.passes.cancelMore),
    ];
    this.el = h('section.pane.resume', { 'aria-label': t.passes.unfinished, 'data-session': item.session.id }, this.pic,
      h('div.txt', null, h('div.line', null, this.state, this.line), h('h2', null, this.title), this.cells, h('div.line', null, this.facts, this.lock)), h('div.do', null, this.buttons, this.watchLink, this.locksLink));
    this.cells.show({ shots: placeholder(item.pass) });
    this.watch = watchPass(item.session.id, item.pass.name, () => this.drawShots());
    this.show(item);
  }

  close() { this.watch.close(); }

  drawShots() {
    const { shots, current } = this.watch;
    if (!shots.length) return; // could not be read: the counts beside it tell the same
    this.cells.show({ shots, current });
    this.item.pass = { ...this.item.pass, saved: shots.filter(shot => shot.state === 'saved').length };
    this.draw();
  }

  /** @param {Unfinished} item */
  show(item) {
    this.item = { ...item };
    this.draw();
  }

  draw() {
    const { session, pass } = this.item, job = store.jobOf(session.id), state = stateOf(pass, job), open = resumable(pass, state) && job?.state !== 'running';
    for (const link of [this.pic, this.title]) attr(link, { href: sessionHref(session.id) });
    put(this.title, session.title || session.id);
    drawPicture(this.pic, session);
    putState(this.state, state, ['paused', 'planned'].includes(state) ? t.passes.unfinished : undefined);
    this.state.classList.toggle('ink', open);
    const lock = foreign(pass);
    put(this.line, !open ? '' : lock ? heldWords(lock) : whyOpen(pass, job));
    putLock(this.lock, pass.lock?.own ? null : pass.lock, lock ? holder(lock) : undefined);
    put(this.label, resumeWords(pass, job));
    const at = session.passes.findIndex(one => one.name === pass.name) + 1;
    const facts = [t.passes.passOf(pass.name, at, session.passes.length), pass.bytes ? bytes(pass.bytes) : '', t.shell.of(pass.saved, pass.shots)];
    keyed(this.facts, facts.filter(Boolean).map((text, n) => ({ text, n })), fact => String(fact.n), () => h('span'), (el, fact) => put(el, fact.text));
    this.drawActions(state, open, lock);
  }

  /** @param {string} state @param {boolean} open @param {import('./types.js').Lock|null} lock of somebody else */
  drawActions(state, open, lock) {
    for (const button of this.buttons) {
      button.hidden = !open || Boolean(lock) || (button.dataset.action === 'finish' && !this.item.pass.saved);
      attr(button, { 'aria-disabled': store.writable ? null : 'true' });
    }
    this.watchLink.hidden = !['running', 'pending'].includes(state);
    this.locksLink.hidden = !open || !lock;
  }
}

/** Holds the bar's room until the shots are there. @param {PassInfo} pass @returns {import('./types.js').Shot[]} */
const placeholder = pass => Array.from({ length: Math.max(1, pass.shots) }, (_, n) => ({ shot: n + 1, azimuth: 0, elevation: 0, state: n < pass.saved ? 'saved' : 'planned' }));
