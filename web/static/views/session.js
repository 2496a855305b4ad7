/* One session: photo, dome, passes, sharpness, contact sheet, and at its foot checkpoints, exports, notes, files. All parts hang on one SessionModel: choosing a shot in
 * one of them moves the others. The address keeps pass and shot, so a link shows what was seen.
 */
import { get, photoUrl, sentence } from '../api.js';
import { attr, debounce, h, icon, keyed, put } from '../dom.js';
import { domeBox, makeDome } from '../dome.js';
import { angle, bytes, count, degrees } from '../format.js';
import { makePlot, pointsOf } from '../plot.js';
import { geometryOf } from '../rig.js';
import { Exports } from '../session-exports.js';
import { SessionModel } from '../session-model.js';
import { PassesPanel } from '../session-passes.js';
import { inFull, putState, sessionState, standing, stateWord } from '../session-words.js';
import { ContactSheet } from '../sheet.js';
import { widestGap } from '../shots.js';
import { store } from '../store.js';
import { PhotoViewer } from './viewer.js';
import { t, texts } from '../i18n.js';

/** @typedef {import('../types.js').Shot} Shot */

class SessionView {
  heading = h('h1', null, '\u00a0');
  state = attr(stateWord('planned', ''), { 'data-key': '' });
  meta = h('div.meta', null, this.state);
  download = h('a.btn.pri', { download: true, 'data-part': 'download' }, icon('down', 'sm'), `${t.sessions.download} `, h('span.hide-p'));
  dome = makeDome();
  domeFigures = { chosen: h('dd', null, '–'), gap: h('dd', null, '–') };
  prints = h('button.chip', { type: 'button', 'aria-pressed': 'false', 'data-action': 'prints', onclick: () => this.setPrints(this.dome.mode !== 'prints') }, t.sessions.prints);
  plot = makePlot();
  plotNote = h('p');
  plotEnd = h('div.end.quiet.hide-p');
  about = h('dl.about');
  edit = h('button.btn', { type: 'button', 'data-action': 'edit', 'aria-label': t.sessions.edit, onclick: () => void this.editHead() }, icon('edit', 'sm'), h('span.hide-p', null, t.sessions.edit));
  /** @type {Array<{close: () => void}>} panels that were loaded when they came near */
  late = [];
  asked = false;
  asking = false;
  lost = false;
  left = false;
  offLink = () => {};

  /** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell */
  constructor(main, { id, query }, shell) {
    this.main = main;
    this.shell = shell;
    this.model = new SessionModel(id);
    this.viewer = new PhotoViewer(this.model, { large: on => this.setLarge(on) });
    this.sheet = new ContactSheet(this.model, { open: () => this.viewer.setLarge(true) });
    this.passes = new PassesPanel(this.model);
    this.exports = new Exports(this.model);
    this.parts = [this.viewer.el, this.buildDome(), this.passes.el, this.buildPlot(), this.sheet.el, this.buildFoot()];
    this.address = debounce(() => this.keepAddress(), 300);
    this.drawPlotSoon = debounce(() => this.drawPlot(), 60);
    main.className = 'session loading';
    this.head = this.buildHead();
    main.append(this.head);
    this.setRatio(geometryOf(store.state?.rig));
    this.listen();
    void this.model.load({ pass: query.get('pass') ?? undefined, shot: Number(query.get('shot')) || undefined });
  }

  leave() {
    this.model.close();
    this.address.cancel();
    this.drawPlotSoon.cancel();
    this.offLink();
    this.left = true;
    this.near?.disconnect();
    for (const part of [this.viewer, this.sheet, this.passes, this.exports, ...this.late]) part.close();
  }

  title() { return this.model.session?.title || this.model.id; }

  /** @param {URLSearchParams} query */
  changed(query) {
    const pass = query.get('pass'), shot = Number(query.get('shot'));
    if (pass) this.model.show(pass);
    if (shot) this.model.choose(shot, 'address');
  }

  /* ---- parts ---- */

  buildHead() {
    return h('section.pane.wide', { 'data-part': 'head' },
      h('div.s-head', null,
        h('div.names', null, h('p.crumb', null, h('a', { href: '/sessions' }, t.sessions.title), icon('right', 'sm'), h('span.mono.hide-p', null, this.model.id)), this.heading),
        h('div.btns', null, this.edit, this.exports.button, this.download)), this.meta);
  }

  buildDome() {
    const readout = (/** @type {string} */ word, /** @type {Element} */ dd) => h('div.ro.sm', null, h('dt', null, word), dd);
    const box = domeBox(this.dome, { legend: ['saved', 'again', 'chosen'], readouts: [readout(t.sessions.chosen, this.domeFigures.chosen), readout(t.sessions.gap, this.domeFigures.gap)] });
    box.el.querySelector('.view')?.append(h('div.hud.bl', null, this.prints));
    box.el.dataset.part = 'dome';
    return box.el;
  }

  buildPlot() {
    return h('section.pane.wide.plotpane', { 'aria-labelledby': 'plot-h', 'data-part': 'plot' }, h('div.pane-h', null, h('h2', { id: 'plot-h' }, t.sessions.sharpness), this.plotNote, this.plotEnd), this.plot);
  }

  /** Its panels are loaded when they come near the window, and shown when all of them have been read: nothing moves. */
  buildFoot() {
    const foot = h('div.thirdsrow.wide', { 'data-part': 'foot' });
    this.near = new IntersectionObserver(([entry]) => { if (entry.isIntersecting) { this.near?.disconnect(); void this.fillFoot(foot); } }, { rootMargin: '120px' });
    this.near.observe(foot);
    return foot;
  }

  /** @param {Element} foot */
  async fillFoot(foot) {
    const [{ Checkpoints }, { Notes }, { Keeping }] = await Promise.all([import('../checkpoints.js'), import('../notes.js'), import('../session-keep.js'), texts('keep')]);
    if (this.left) return;
    const checkpoints = new Checkpoints(this.model), notes = new Notes(this.model), keeping = new Keeping(this.model, this.shell);
    this.late.push(checkpoints, notes, keeping);
    await Promise.all([checkpoints.ready, this.exports.ready, keeping.ready]);
    foot.append(checkpoints.el, this.exports.el, notes.el, keeping.el, h('section.pane', { 'aria-labelledby': 'about-h', 'data-part': 'about' }, h('div.pane-h', null, h('h2', { id: 'about-h' }, t.sessions.about)), this.about));
  }

  listen() {
    const { model, dome, plot } = this;
    this.offLink = store.on('link', () => { if (this.lost && store.link.state === 'live') void model.refresh(); });
    model.on('session', () => this.drawHead());
    model.on('shown', () => this.drawShown());
    model.on('shot', shot => { dome.touch(shot); this.drawPlotSoon(); });
    model.on('now', () => dome.setNow(model.watch()?.current ?? null));
    model.on('chosen', by => this.drawChosen(by));
    model.on('gone', () => this.fail(t.sessions.goneTitle, t.sessions.goneText, false));
    model.on('failed', error => { if (!model.session) this.fail(t.sessions.notReadOne, sentence(error), true); });
    dome.addEventListener('choose', (/** @type {any} */ event) => model.choose(event.detail.shot, 'dome'));
    dome.addEventListener('open', (/** @type {any} */ event) => { model.choose(event.detail.shot, 'dome'); this.viewer.setLarge(true); });
    plot.addEventListener('choose', (/** @type {any} */ event) => model.choose(event.detail.shot, 'plot'));
  }

  /* ---- drawing ---- */

  drawHead() {
    const session = this.model.session;
    if (!session) return;
    if (this.lost) this.found();
    put(this.heading, session.title || session.id);
    putState(this.state, sessionState(session));
    this.drawMeta(session);
    attr(this.edit, { 'aria-disabled': store.writable ? null : 'true' });
    const some = session.photos > 0;
    put(this.download.lastElementChild, some ? bytes(session.bytes) : '');
    attr(this.download, { href: some ? `/api/sessions/${encodeURIComponent(session.id)}/download?format=zip` : null, 'aria-disabled': some ? null : 'true', role: some ? null : 'link' });
    this.download.classList.toggle('pri', !session.passes.some(pass => ['paused', 'interrupted', 'failed', 'planned'].includes(standing(pass))));
    this.drawDamage(session.damage);
    this.drawAbout();
    if (session.format !== 'current' && !this.asked) void this.ask().finally(() => { this.asking = false; this.drawHead(); });
    this.shell.retitle();
    if (this.parts[0].isConnected || this.asking) return;
    this.passes.draw();
    this.main.append(...this.parts); // not before the head has its size: nothing may move once it is seen
  }

  /** @param {import('../types.js').Session} session */
  drawMeta(session) {
    const old = session.format === 'current' ? '' : t.sessions.legacy(t.sessions.format(session.format));
    const facts = [session.created_at ? t.sessions.scanned(inFull(session.created_at)) : t.sessions.scannedUnknown, session.operator ? t.sessions.by(session.operator) : '', t.sessions.photosAndBytes(session.photos, count(session.photos), bytes(session.bytes))].filter(Boolean);
    const items = [{ key: '', text: '', tag: '' }, ...facts.map((text, n) => ({ key: `fact-${n}`, text, tag: '' })), ...(old ? [{ key: 'old', text: old, tag: '.tag.legacy' }] : []), ...session.tags.map(text => ({ key: `tag-${text}`, text, tag: '.tag' }))];
    keyed(this.meta, items, item => item.key, item => (item.key ? h(`span${item.tag}`) : this.state), (el, item) => { if (item.key) put(el, item.text); });
  }

  /** @param {string[]} damage */
  drawDamage(damage) {
    const had = this.main.querySelector('[data-part="damage"]');
    if (!damage.length) { had?.remove(); return; }
    const el = had ?? h('div.notice.bad.wide', { 'data-part': 'damage' }, icon('bad'), h('p'));
    put(el.querySelector('p'), t.sessions.damageTitle(damage));
    if (!had) this.main.children[0].after(el);
  }

  drawShown() {
    const { model } = this, watch = model.watch();
    if (watch?.error && !watch.shots.length) { this.fail(t.sessions.notReadOne, sentence(watch.error), true); return; }
    this.drawDome();
    this.drawPlot();
    this.drawChosen('shown');
    this.drawHead();
    this.main.classList.remove('loading');
  }

  /** The dome of the pass shown, with the geometry it was photographed with. */
  drawDome() {
    const { model, dome } = this, watch = model.watch(), geometry = geometryOf(watch?.rig) ?? geometryOf(store.state?.rig);
    const photo = watch?.photos.values().next().value;
    const url = (/** @type {Shot} */ shot, /** @type {'preview'|'thumb'} */ size) => (shot.photo ? photoUrl(model.id, shot.photo, size) : null);
    this.setRatio(photo ?? geometry);
    dome.setGeometry(geometry);
    dome.setShots(model.shots(), { photo: shot => url(shot, 'preview'), thumb: shot => url(shot, 'thumb') });
    dome.setNow(watch?.current ?? null);
  }

  drawPlot() {
    const { model } = this, watch = model.watch(), again = model.shots().filter(shot => shot.retaken).map(shot => String(shot.shot));
    this.plot.show({ points: pointsOf(model.shots(), number => watch?.photo(number)), label: t.sessions.plotLabel });
    this.plot.choose(model.shot || null);
    put(this.plotNote, t.sessions.plotNote(model.passName));
    put(this.plotEnd, again.length ? t.sessions.againList(again) : '');
  }

  /** @param {string} by */
  drawChosen(by) {
    const { model } = this, shot = model.chosen(), ring = model.ring();
    this.dome.choose(model.shot || null);
    this.plot.choose(model.shot || null);
    this.domeFigures.chosen.replaceChildren(...(shot ? [degrees(shot.azimuth, 1), h('small', null, `/ ${angle(shot.elevation)}`)] : ['–']));
    const taken = ring?.shots.filter(one => one.state === 'saved') ?? [];
    put(this.domeFigures.gap, taken.length > 1 ? degrees(widestGap(taken), 1) : '–');
    if (shot && !['shown', 'follow', 'photo'].includes(by)) this.address();
  }

  drawAbout() {
    const { model } = this, photo = model.watch()?.photos.values().next().value, rig = model.watch()?.rig;
    /** @type {Array<[string, string]>} */
    const rows = [[t.sessions.aboutId, model.id], [t.sessions.aboutPlan, t.sessions.planWords(model.info()?.plan.kind ?? '', model.rings().map(ring => angle(ring.from)), model.shots().length)]];
    if (rig?.name) rows.push([t.sessions.aboutRig, rig.name]);
    if (photo) rows.push([t.sessions.aboutCamera, [rig?.cameras?.[0]?.model, `${photo.width} × ${photo.height}`].filter(Boolean).join(', ')]);
    keyed(this.about, rows, row => row[0], row => h('div', null, h('dt', null, row[0]), h('dd')), (el, row) => put(el.lastElementChild, row[1]));
  }

  /** The photos' shape is known before the photos are: nothing moves when they come. @param {{width: number, height: number}|null} shape */
  setRatio(shape) {
    this.main.style.setProperty('--ratio', String(shape ? Math.round(1000 * shape.width / shape.height) / 1000 : 1.778));
  }

  /* ---- acting ---- */

  async editHead() {
    if (this.edit.getAttribute('aria-disabled')) return;
    const place = /** @type {HTMLElement} */ (this.heading.parentElement);
    const [{ editHead }] = await Promise.all([import('../session-edit.js'), texts('keep')]);
    this.edit.hidden = true;
    await editHead(this.model, place);
    this.edit.hidden = false;
    this.edit.focus();
  }

  /** Whether another old folder is a part of this scan: asked of a person, under the head. */
  async ask() {
    this.asked = this.asking = true;
    /** @type {import('../types.js').Question[]} */
    const open = await get('/api/sessions/questions').then(answer => answer.items, () => []);
    if (!open.some(one => [one.first, one.second].includes(this.model.id))) return;
    const [{ Questions }] = await Promise.all([import('../questions.js'), texts('keep')]);
    if (this.left) return;
    const questions = new Questions(this.shell, { only: this.model.id });
    this.late.push(questions);
    await questions.read();
    if (questions.el.childElementCount && !this.left) this.head.after(questions.el);
  }

  /** @param {boolean} on */
  setLarge(on) {
    this.main.classList.toggle('large-view', on);
    this.viewer.el.scrollIntoView({ block: on ? 'start' : 'nearest' });
  }

  /** @param {boolean} on */
  setPrints(on) {
    this.dome.mode = on ? 'prints' : 'marks';
    attr(this.prints, { 'aria-pressed': String(on) });
  }

  keepAddress() {
    const query = new URLSearchParams({ pass: this.model.passName, shot: String(this.model.shot) });
    history.replaceState(null, '', `${location.pathname}?${query}`);
  }

  /** Nothing to show: say why, and where to go. @param {string} title @param {string} text @param {boolean} again */
  fail(title, text, again) {
    this.lost = true;
    this.main.className = 'session-lost';
    this.main.replaceChildren(h('div.pane.nothing', null, h('div.empty', { role: 'alert' }, icon(again ? 'bad' : 'info'), h('h1', null, title), h('p', null, text),
      again ? h('button.btn.pri', { type: 'button', 'data-action': 'retry', onclick: () => void this.model.refresh() }, t.common.retry) : h('a.btn.pri', { href: '/sessions' }, t.sessions.allSessions))));
  }

  /** It can be read again. */
  found() {
    this.lost = false;
    this.main.className = this.model.shots().length ? 'session' : 'session loading';
    this.main.replaceChildren(this.head);
  }
}

/** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell @returns {import('../app.js').View} */
export const mount = (main, params, shell) => new SessionView(main, params, shell);
