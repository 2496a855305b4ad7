/* What keeps a session: whether its photos are whole, its format, the trash.
 *
 *   const panel = new Keeping(model, shell); panel.el; panel.close()
 */
import { act } from './act.js';
import { get, post, tidy } from './api.js';
import { ask } from './dialog.js';
import { attr, h, icon, put } from './dom.js';
import { moment } from './session-words.js';
import { deleteSession } from './delete.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').Job} Job */

const SHOWN = 4; // findings; the whole of them is in the job
/** @type {{notes: string[], flawed: boolean}} */
const NOTHING = { notes: [], flawed: false }; // found, as long as nobody looked

export class Keeping {
  /** @type {Job|null} what verifying found last, as long as it is known */
  verified = null;
  /** @type {Element|null} the button by which this page asked for an undo that has not ended yet */
  undoing = null;
  #ends = new AbortController();

  /** @param {import('./session-model.js').SessionModel} model @param {import('./app.js').Shell} shell */
  constructor(model, shell) {
    this.model = model;
    this.shell = shell;
    const x = t.keep, row = (/** @type {string} */ sign, /** @type {string} */ word, /** @type {any[]} */ ...more) => h('li', null, icon(sign, 'sm'), h('div.grow', null, h('b.name', null, word), ...more.slice(0, -1)), h('div.btns', null, more[more.length - 1]));
    const button = (/** @type {string} */ id, /** @type {string} */ word, /** @type {(target: Element) => unknown} */ run, kind = '') => h(`button.btn${kind}`, { type: 'button', 'data-action': id, onclick: (/** @type {Event} */ event) => { const target = /** @type {Element} */ (event.currentTarget); if (!target.getAttribute('aria-disabled')) void run(target); } }, word);
    this.bar = h('progress.bar-p', { max: 1, value: 0, hidden: true, 'aria-label': x.verifyLabel });
    this.verifyNote = h('small', { role: 'status' });
    this.found = h('ul.found');
    this.formatNote = h('small');
    this.deleteNote = h('small');
    this.verifyButton = button('verify', x.verify, target => this.verify(target));
    this.stopButton = button('cancel-verify', t.common.cancel, target => this.stop(target));
    this.migrateButton = button('migrate', x.migrate, target => this.migrate(target), '.main');
    this.undoButton = button('undo-migration', x.undoMigration, target => this.undo(target));
    this.deleteButton = button('delete', x.delete, target => this.remove(target), '.danger');
    this.el = h('section.pane', { 'aria-labelledby': 'keeping-h', 'data-part': 'keeping' }, h('div.pane-h', null, h('h2', { id: 'keeping-h' }, x.keeping)),
      h('ul.rows', null, row('shield', x.verifyRow, this.verifyNote, this.found, this.bar, [this.stopButton, this.verifyButton]), row('box', x.formatRow, this.formatNote, [this.undoButton, this.migrateButton]), row('trash', x.deleteRow, this.deleteNote, this.deleteButton)));
    this.offs = [model.on('session', () => this.draw()), store.on('state', () => this.draw()), store.on('link', () => this.draw()), store.on('job_ended', (/** @type {Job} */ job) => this.ended(job))];
    this.ready = this.read();
    this.draw();
  }

  close() {
    this.#ends.abort();
    this.offs.forEach(off => off());
  }

  /** @param {Job} job @param {string} kind */
  mine(job, kind) { return job.kind === kind && job.session_id === this.model.id; }

  /** @param {string} kind */
  active(kind) { return store.state?.jobs.find(job => this.mine(job, kind)) ?? null; }

  /** What was found before this page was opened. */
  async read() {
    try {
      const { items } = await get('/api/jobs', { signal: this.#ends.signal }), done = items.filter((/** @type {Job} */ job) => job.state === 'completed').sort((/** @type {Job} */ a, /** @type {Job} */ b) => ((a.ended_at ?? '') < (b.ended_at ?? '') ? 1 : -1));
      this.verified = done.find((/** @type {Job} */ job) => this.mine(job, 'verify')) ?? null;
      this.draw();
    } catch {
      this.verified = null; // it can be done again
    }
  }

  /** @param {Job} job */
  ended(job) {
    if (this.mine(job, 'verify')) this.endedVerify(job);
    if (this.mine(job, 'migrate')) this.endedMigration(job);
    this.draw();
  }

  /** @param {Job} job */
  endedVerify(job) {
    const x = t.keep, found = job.result?.notes?.length ?? 0;
    if (job.state === 'completed') { this.verified = job; toast(found ? x.verifyBad(found) : x.verifyDone, { bad: Boolean(job.result?.flawed) }); }
    if (job.state === 'failed') toast(job.error?.message ?? x.verifyFailed, { bad: true });
  }

  /** @param {Job} job */
  endedMigration(job) {
    const x = t.keep, { undo, force } = job.options ?? {}, asked = undo ? this.undoing : null;
    if (undo) this.undoing = null;
    if (job.state === 'completed') toast(!undo ? x.migrated : force ? `${x.undone} ${job.result?.notes.at(-1)}` : x.undone);
    if (job.state === 'failed') this.notMigrated(job, asked);
    void this.model.refresh();
  }

  /** @param {Job} job @param {Element|null} asked the button with which this page asked for it to be undone */
  notMigrated({ error }, asked) {
    const photos = error?.detail?.photos;
    if (asked && photos) void this.force(asked, photos);
    else toast(error ? tidy(error.message) : t.keep.migrateFailed, { bad: true });
  }

  /* ---- drawing ---- */

  draw() {
    const { session } = this.model;
    if (!session) return;
    const off = !store.writable, busy = Boolean(store.jobOf(session.id)), old = session.format !== 'current';
    this.drawVerify(off);
    put(this.formatNote, this.active('migrate') ? t.keep.migrating : formatWords(session));
    this.migrateButton.hidden = !old;
    this.undoButton.hidden = old || migratedFrom(session) === null;
    attr(this.migrateButton, { 'aria-disabled': off || busy ? 'true' : null, 'aria-busy': this.active('migrate') ? 'true' : null });
    attr(this.undoButton, { 'aria-disabled': off || busy ? 'true' : null });
    put(this.deleteNote, busy ? t.keep.deleteBusy : t.keep.deleteHint);
    attr(this.deleteButton, { 'aria-disabled': off || busy ? 'true' : null });
  }

  /** @param {boolean} off */
  drawVerify(off) {
    const job = this.active('verify'), last = this.verified, { notes, flawed } = (job ? null : last?.result) ?? NOTHING, when = moment(last?.ended_at ?? null);
    put(this.verifyNote, job ? (job.state === 'pending' ? t.keep.verifyWaits : t.keep.verifying(job.progress.done, job.progress.total)) : !last ? t.keep.verifyHint : notes.length ? t.keep.verifyFound(when) : t.keep.verified(when));
    this.verifyNote.classList.toggle('fault-t', flawed);
    this.found.replaceChildren(...notes.slice(0, SHOWN).map(note => h('li', null, note)), ...(notes.length > SHOWN ? [h('li', null, t.keep.more(notes.length - SHOWN))] : []));
    this.bar.hidden = !job;
    this.stopButton.hidden = !job;
    this.verifyButton.hidden = Boolean(job);
    if (job) attr(this.bar, { max: Math.max(1, job.progress.total), value: job.progress.done });
    attr(this.verifyButton, { 'aria-disabled': off ? 'true' : null });
  }

  /* ---- acting ---- */

  /** @param {string} what */
  path(what) { return `/api/sessions/${encodeURIComponent(this.model.id)}/${what}`; }

  /** @param {Element} button */
  verify(button) { return act(button, () => post(this.path('verify'))); }

  /** @param {Element} button */
  async stop(button) {
    const job = this.active('verify');
    if (job) await act(button, () => post(`/api/jobs/${encodeURIComponent(job.id)}/cancel`));
  }

  /** @param {Element} button */
  async migrate(button) {
    const x = t.keep, answer = await ask({ title: x.migrateTitle, text: x.migrateText, keep: x.keepOld, answers: [['migrate', x.migrateDo]] });
    if (answer === 'migrate') await act(button, () => post(this.path('migrate'), {}));
  }

  /** @param {Element} button */
  async undo(button) {
    const x = t.keep, answer = await ask({ title: x.undoTitle, text: x.undoText(this.aside), keep: t.common.cancel, answers: [['undo', x.undoDo, 'danger']] });
    if (answer === 'undo') await this.goBack(button, { undo: true });
  }

  /** The old folder lacks photos: they are put aside only by who was told so. @param {Element} button @param {number} photos */
  async force(button, photos) {
    const x = t.keep, answer = await ask({ title: x.forceTitle(photos), text: x.forceText(photos, this.aside), keep: x.forceKeep, answers: [['force', x.forceDo(photos), 'danger']] });
    if (answer === 'force') await this.goBack(button, { undo: true, force: true });
  }

  /** @param {Element} button @param {Record<string, boolean>} order */
  async goBack(button, order) {
    this.undoing = button;
    if (!(await act(button, () => post(this.path('migrate'), order)))) this.undoing = null;
  }

  /** Where that is kept what a session had become. */
  get aside() { return `sessions/.undone_${this.model.id}`; }

  /** @param {Element} button */
  async remove(button) {
    const { session } = this.model;
    if (session && await deleteSession(session, button, this.shell)) await this.shell.go('/sessions');
  }
}

/** The format of the folder it was made from, '' where only that is known; null for a session of this scanner.
 * @param {import('./types.js').Session} session @returns {string|null} */
const migratedFrom = session => session.migrated_from ?? (session.origin === 'legacy' ? '' : null);

/** @param {import('./types.js').Session} session */
function formatWords(session) {
  if (session.format !== 'current') return t.keep.formatOld(t.sessions.format(session.format));
  const was = migratedFrom(session);
  return was === null ? t.keep.formatNew : was ? t.keep.formatWas(t.sessions.format(was)) : t.keep.formatMade;
}
