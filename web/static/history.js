/* What was: every pass that was ever scanned, to be searched and paged through, and the jobs that ended in the last day. A pass that
 * ends meanwhile waits behind a button, so that nothing moves under the hand.
 *
 *   const panel = new HistoryPanel(shell); await panel.load(); panel.el; panel.close()
 */
import { act } from './act.js';
import { get, isAbort, SEARCH_MAX, send, sentence } from './api.js';
import { jobKind, jobTitle } from './jobs-active.js';
import { attr, debounce, h, icon, keyed, put } from './dom.js';
import { bytes, count, span } from './format.js';
import { moment, stateWord } from './session-words.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').PassHistory} Pass  @typedef {import('./types.js').Job} Job */

const PAGE = 20, WAIT = 180;
const ENDED = ['completed', 'failed', 'cancelled'];
const FILES = { passes: '/api/passes', jobs: '/api/jobs/report' };

/** @param {Pass} pass */
const keyOf = pass => `${pass.session_id} ${pass.pass}`;

export class HistoryPanel {
  /** @type {'passes'|'jobs'} */
  which = 'passes';
  q = '';
  since = '';
  until = '';
  /** @type {Pass[]} */
  passes = [];
  /** @type {Job[]} */
  jobs = [];
  /** @type {string|null} */
  next = null;
  total = 0;
  failed = '';
  #ends = new AbortController();

  /** @param {import('./app.js').Shell} shell */
  constructor(shell) {
    this.shell = shell;
    this.typed = debounce(() => this.search(), WAIT);
    this.input = h('input.in', { type: 'search', id: 'history-search', maxlength: SEARCH_MAX, placeholder: t.jobs.searchHint, 'aria-label': t.jobs.search, autocomplete: 'off', spellcheck: 'false', oninput: this.typed, onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === 'Escape' && this.input.value) { event.preventDefault(); this.input.value = ''; this.search(); } } });
    this.dates = ['since', 'until'].map(name => h('label.field.date', null, h('span', null, /** @type {any} */ (t.jobs)[name]), h('input.in', { type: 'date', 'data-date': name, onchange: () => this.search() })));
    this.seg = h('div.seg', { role: 'group', 'aria-label': t.jobs.which }, /** @type {const} */ (['passes', 'jobs']).map(name => h('button', { type: 'button', 'data-which': name, onclick: () => this.show(name) }, t.jobs[name])));
    this.files = ['csv', 'json'].map(format => h('a.btn', { download: true, 'data-format': format }, icon('down', 'sm'), /** @type {any} */ (t.jobs)[format]));
    this.clearButton = h('button.btn.bare', { type: 'button', 'data-action': 'clear-jobs', onclick: () => void this.clear() }, t.jobs.clear);
    this.fresh = h('p.newer', { hidden: true }, t.jobs.newer, ' ', h('button.link', { type: 'button', 'data-action': 'show-newer', onclick: () => { this.fresh.hidden = true; void this.load(); } }, t.jobs.showNewer));
    this.note = h('p', { role: 'status' });
    this.body = { passes: h('tbody'), jobs: h('tbody') };
    this.tables = { passes: table('passes-t', Object.entries(t.jobs.passHeads), this.body.passes), jobs: table('jobs-t', Object.entries(t.jobs.jobHeads), this.body.jobs) };
    this.none = h('p.quiet.none', { hidden: true });
    this.more = h('button.btn', { type: 'button', hidden: true, 'data-action': 'more-history', onclick: () => void this.loadMore() }, t.jobs.more);
    this.find = h('div.find', { role: 'search' }, h('div.search', null, icon('search'), this.input), this.dates);
    this.el = h('section.pane.wide.history-p', { 'aria-labelledby': 'history-h', 'data-part': 'history' },
      h('div.pane-h', null, h('h2', { id: 'history-h' }, t.jobs.history), this.note, this.fresh, h('div.end', null, this.clearButton, this.files)),
      h('div.bar-h', null, this.seg, this.find), this.tables.passes, this.tables.jobs, this.none, h('div.more', null, this.more));
    const newer = () => { if (this.which === 'passes' && this.passes.length) this.fresh.hidden = false; };
    const known = (/** @type {any} */ event) => { if (this.passes.some(pass => pass.session_id === event.session_id)) this.again(); };
    this.again = debounce(() => void this.refresh(), 400);
    this.offs = [this.typed.cancel, this.again.cancel, store.on('pass_completed', newer), store.on('session_changed', known), store.on('job_ended', () => { if (this.which === 'jobs') void this.load(); else this.again(); }), store.on('reset', () => void this.load())];
    this.show('passes', false);
  }

  close() {
    this.#ends.abort();
    this.offs.forEach(off => off());
  }

  /** @param {'passes'|'jobs'} which @param {boolean} [read] */
  show(which, read = true) {
    this.which = which;
    for (const button of this.seg.children) attr(button, { 'aria-pressed': String(button.getAttribute('data-which') === which) });
    this.find.hidden = which !== 'passes';
    this.fresh.hidden = true;
    this.drawLinks();
    if (read) void this.load();
  }

  search() {
    this.typed.cancel();
    this.q = this.input.value.trim();
    for (const field of this.dates) { const input = field.querySelector('input'); if (input.dataset.date === 'since') this.since = input.value; else this.until = input.value; }
    this.drawLinks();
    void this.load();
  }

  /** The whole of what is asked for, as a file. */
  drawLinks() {
    const wanted = this.which === 'passes' ? this.wanted() : new URLSearchParams();
    for (const link of this.files) {
      wanted.set('format', link.dataset.format);
      attr(link, { href: `${FILES[this.which]}?${wanted}`, 'aria-label': t.jobs.downloadAs(t.jobs[this.which], link.textContent) });
    }
  }

  wanted() { return new URLSearchParams(Object.entries({ q: this.q, since: this.since, until: this.until ? dayAfter(this.until) : '' }).filter(([, value]) => value)); }

  /** @param {string|null} [after] @param {number} [limit] */
  path(after = null, limit = PAGE) {
    const wanted = this.wanted();
    wanted.set('limit', String(limit));
    if (after) wanted.set('after', after);
    return `/api/passes?${wanted}`;
  }

  async load() {
    this.#ends.abort();
    const { signal } = this.#ends = new AbortController();
    try {
      if (this.which === 'passes') {
        const { items, next, total } = await get(this.path(), { signal });
        Object.assign(this, { passes: items, next, total, failed: '' });
      } else {
        const { items } = await get('/api/jobs', { signal });
        Object.assign(this, { jobs: items.filter((/** @type {Job} */ job) => ENDED.includes(job.state)).sort((/** @type {Job} */ a, /** @type {Job} */ b) => ((a.ended_at ?? '') < (b.ended_at ?? '') ? 1 : -1)), next: null, failed: '' });
      }
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      this.failed = sentence(error);
    }
    this.draw();
  }

  /** The rows that are shown, as they now are; none is added. */
  async refresh() {
    if (this.which !== 'passes' || !this.passes.length) return;
    try {
      const { items } = await get(this.path(null, Math.min(200, this.passes.length + PAGE)), { signal: this.#ends.signal }), now = new Map(items.map((/** @type {Pass} */ pass) => [keyOf(pass), pass]));
      this.passes = this.passes.map(pass => now.get(keyOf(pass)) ?? pass);
      this.draw();
    } catch {
      this.again.cancel(); // the next event tries again
    }
  }

  async loadMore() {
    const after = this.next, { signal } = this.#ends;
    if (!after) return;
    attr(this.more, { 'aria-busy': 'true' });
    try {
      const { items, next, total } = await get(this.path(after), { signal });
      this.passes.push(...items);
      Object.assign(this, { next, total });
    } catch (error) {
      if (!isAbort(error)) toast(sentence(error), { bad: true });
    }
    attr(this.more, { 'aria-busy': null });
    this.draw();
  }

  async clear() {
    if (!(await act(this.clearButton, () => send('DELETE', '/api/jobs')))) return;
    toast(t.jobs.cleared);
    await this.load();
  }

  /* ---- drawing ---- */

  draw() {
    const passes = this.which === 'passes', some = passes ? this.passes.length : this.jobs.length;
    this.tables.passes.hidden = !passes || !some;
    this.tables.jobs.hidden = passes || !some;
    this.none.hidden = some > 0 && !this.failed;
    put(this.none, this.failed || (!passes ? t.jobs.noJobs : this.wanted().size ? t.jobs.noneFound : t.jobs.none));
    put(this.note, this.failed ? t.jobs.notRead : passes ? t.jobs.found(this.total) : t.jobs.foundJobs(this.jobs.length));
    this.more.hidden = !passes || !this.next;
    this.clearButton.hidden = passes || !this.jobs.length;
    if (passes) keyed(this.body.passes, this.passes, keyOf, makeRow(t.jobs.passHeads), drawPass);
    else keyed(this.body.jobs, this.jobs, job => job.id, makeRow(t.jobs.jobHeads), drawJob);
  }
}

/** The range ends behind its last day. @param {string} day */
function dayAfter(day) {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + 1);
  return at.toISOString().slice(0, 10);
}

const NUMBERS = new Set(['took', 'photos', 'rate', 'again', 'failures', 'size', 'result']);

/** @param {string} name @param {Array<[string, string]>} heads @param {Element} body */
const table = (name, heads, body) => h(`table.tbl.${name}`, { hidden: true }, h('thead', null, h('tr', null, heads.map(([id, word]) => h(`th${NUMBERS.has(id) ? '.num' : ''}`, { scope: 'col' }, word)))), body);

/** A row of cells named like the heads; the first leads on a phone. @param {Record<string, string>} heads */
const makeRow = heads => () => h('tr', null, Object.entries(heads).map(([id, word], n) => h(`td.c-${id}${n ? '' : '.lead'}${NUMBERS.has(id) ? '.num' : ''}`, n ? { 'data-l': word } : null, n ? null : [h('a.who'), ' ', h('span.quiet')])));

/** @param {Element} cell @param {string} state */
function drawState(cell, state) {
  if (cell.firstElementChild?.getAttribute('data-state') !== state) cell.replaceChildren(stateWord(state));
}

/** @param {Element} el @param {Pass} pass */
function drawPass(el, pass) {
  const cell = (/** @type {string} */ name) => /** @type {Element} */ (el.querySelector(`.c-${name}`));
  const lead = cell('pass'), label = pass.object?.label ?? pass.object?.id ?? '';
  attr(/** @type {Element} */ (lead.firstElementChild), { href: `/sessions/${encodeURIComponent(pass.session_id)}?pass=${encodeURIComponent(pass.pass)}` });
  put(lead.firstElementChild, pass.title || pass.session_id);
  put(lead.lastElementChild, [pass.pass, label].filter(Boolean).join(', '));
  drawState(cell('state'), pass.state);
  attr(cell('state'), { title: pass.reason || null });
  put(cell('began'), moment(pass.started_at) || '–');
  put(cell('took'), pass.duration_s ? span(pass.duration_s) : '–');
  put(cell('photos'), pass.photos < pass.shots ? t.jobs.of(pass.photos, pass.shots) : count(pass.photos));
  put(cell('rate'), pass.photos_per_hour === null ? '–' : count(Math.round(pass.photos_per_hour)));
  put(cell('again'), count(pass.retakes));
  put(cell('failures'), count(pass.failures));
  put(cell('size'), bytes(pass.bytes));
  put(cell('who'), [pass.operator, pass.host].filter(Boolean).join(', ') || '–');
  put(cell('preset'), pass.preset || '–');
}

/** @param {Element} el @param {Job} job */
function drawJob(el, job) {
  const cell = (/** @type {string} */ name) => /** @type {Element} */ (el.querySelector(`.c-${name}`)), lead = cell('job'), { done, total, unit } = job.progress, saved = job.result?.saved ?? done;
  attr(/** @type {Element} */ (lead.firstElementChild), { href: job.session_id ? `/sessions/${encodeURIComponent(job.session_id)}` : null });
  put(lead.firstElementChild, jobTitle(job));
  put(lead.lastElementChild, jobKind(job));
  drawState(cell('state'), job.state);
  put(cell('origin'), t.jobs.from(job.origin));
  put(cell('ended'), moment(job.ended_at) || '–');
  put(cell('took'), job.elapsed_s ? span(job.elapsed_s) : '–');
  put(cell('result'), job.error ? job.error.message : job.result?.notes?.length ? t.jobs.notes(job.result.notes.length) : unit === 'photos' ? t.jobs.resultPhotos(saved, total) : t.jobs.of(done, total));
}
