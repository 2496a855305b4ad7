/* All sessions: search, filter, gallery, and offers to go on with what is unfinished.
 *
 * Events change cards where they stand; what would push other cards about (new sessions, new offers) waits behind a button.
 */
import { get, isAbort, SEARCH_MAX, sentence } from '../api.js';
import { attr, debounce, h, icon, keyed, put } from '../dom.js';
import { count } from '../format.js';
import { addKeys } from '../keys.js';
import { makeCard, ResumeOffer, sessionHref, updateCard } from '../session-card.js';
import { store } from '../store.js';
import { keyOf, readUnfinished } from '../unfinished.js';
import { t, texts } from '../i18n.js';

/** @typedef {import('../types.js').Session} Session  @typedef {import('../unfinished.js').Unfinished} Unfinished */

const PAGE = 40;
const OFFERS = 1, ALL_OFFERS = 12; // beside the gallery, and where only unfinished ones are asked for
const FILTERS = ['', 'incomplete', 'completed', 'cancelled', 'legacy'];
const SORTS = ['newest', 'oldest', 'title', 'size'];

class SessionsView {
  input = h('input.in', { type: 'search', id: 'session-search', maxlength: SEARCH_MAX, placeholder: t.sessions.searchHint, 'aria-label': t.sessions.search, autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'search', oninput: () => this.typed(), onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === 'Escape' && this.input.value) { event.preventDefault(); this.clear(); } } });
  filters = h('div.seg', { role: 'group', 'aria-label': t.sessions.filter }, FILTERS.map(name => h('button', { type: 'button', 'data-status': name || 'all', hidden: name === 'legacy', onclick: () => this.search({ status: name }) }, `${t.sessions.filters[name || 'all']} `, h('em'))));
  sort = h('select.in', { 'aria-label': t.sessions.sort, onchange: () => this.search({ sort: this.sort.value }) }, SORTS.map(name => h('option', { value: name }, t.sessions.sorts[name])));
  trash = h('button.btn', { type: 'button', 'data-action': 'trash', onclick: () => void this.showTrash() }, icon('trash', 'sm'), h('span', null, t.sessions.trash));
  questions = h('div.questions');
  fresh = h('button.btn.pri.fresh', { type: 'button', hidden: true, 'data-action': 'show-new', onclick: () => this.showNew() }, icon('again', 'sm'), h('span'));
  offerBox = h('div.offers', { 'data-part': 'offers' });
  gallery = h('section.gallery', { 'aria-label': t.sessions.title, 'data-part': 'gallery' });
  empty = h('div.pane.nothing', { hidden: true });
  shown = h('p');
  moreButton = h('button.btn', { type: 'button', hidden: true, 'data-action': 'show-more', onclick: () => void this.loadMore() }, t.sessions.showMore);
  foot = h('div.pane.quiet.foot', { hidden: true }, this.shown, this.moreButton);

  /** @type {Session[]} */
  items = [];
  /** @type {string|null} */
  next = null;
  total = 0;
  failed = '';
  /** @type {Map<string, ResumeOffer>} */
  offers = new Map();
  more = 0;
  loaded = false;
  /** @type {Promise<void>|undefined} */
  asked;
  query = { q: '', status: '', sort: 'newest' };
  ending = new AbortController();
  #ends = new AbortController();
  /** @type {Map<string, ReturnType<typeof debounce>>} */
  #refreshes = new Map();

  /** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell */
  constructor(main, { query }, shell) {
    this.shell = shell;
    this.build(main);
    this.typed = debounce(() => this.search({ q: this.input.value.trim() }), 180);
    this.recount = debounce(() => void this.countFilters(), 500);
    const changed = (/** @type {any} */ event) => { if (event.session_id) this.touch(event.session_id, event); };
    this.offs = [
      this.typed.cancel, this.recount.cancel,
      ...['session_changed', 'lock_changed', 'job_created', 'job_changed', 'photo_saved', 'pass_completed'].map(topic => store.on(topic, changed)),
      store.on('job_ended', changed),
      store.on('session_deleted', (/** @type {any} */ event) => this.deleted(event.session_id)),
      store.on('reset', () => void this.load()), store.on('state', () => this.offers.forEach(offer => offer.draw())), store.on('link', () => this.linkChanged()),
      addKeys({ '/': [() => this.input.focus(), t.keys.search] }),
    ];
    this.seen = new IntersectionObserver(([entry]) => { if (entry.isIntersecting) void this.loadMore(); }, { rootMargin: '800px' });
    this.seen.observe(this.foot);
    this.changed(query);
  }

  /** @param {HTMLElement} main */
  build(main) {
    main.className = 'sessions';
    main.append(h('h1.vh', null, t.sessions.title),
      h('div.toolbar', { role: 'search' }, h('div.search', null, icon('search'), this.input, h('kbd', { 'aria-hidden': 'true' }, '/')), h('div.scroll-x', null, this.filters), h('div.end', null, h('div.sorts', null, this.sort), this.trash), this.fresh), this.questions,
      this.offerBox, this.gallery, this.empty, this.foot);
  }

  leave() {
    this.#ends.abort();
    this.ending.abort();
    this.offs.forEach(off => off());
    this.#refreshes.forEach(refresh => refresh.cancel());
    this.offers.forEach(offer => offer.close());
    this.seen.disconnect();
  }

  title() { return t.sessions.title; }

  /* ---- what is asked for ---- */

  /** The query of the address is the truth; back and forward come here too. @param {URLSearchParams} query */
  changed(query) {
    this.query = { q: query.get('q') ?? '', status: FILTERS.includes(query.get('status') ?? '') ? query.get('status') ?? '' : '', sort: SORTS.includes(query.get('sort') ?? '') ? query.get('sort') ?? '' : 'newest' };
    if (this.input.value.trim() !== this.query.q) this.input.value = this.query.q;
    this.sort.value = this.query.sort;
    for (const button of this.filters.children) attr(button, { 'aria-pressed': String(button.getAttribute('data-status') === (this.query.status || 'all')) });
    void this.load();
  }

  /** @param {{q?: string, status?: string, sort?: string}} change */
  search(change) {
    const wanted = { ...this.query, ...change };
    const query = new URLSearchParams(Object.entries(wanted).filter(([name, value]) => value && !(name === 'sort' && value === 'newest')).map(([name, value]) => [name, String(value)]));
    history.replaceState(null, '', location.pathname + (query.size ? `?${query}` : ''));
    this.changed(query);
  }

  clear() {
    this.input.value = '';
    this.typed.cancel();
    this.search({ q: '', status: '' });
    this.input.focus();
  }

  /** @param {string|null} after @param {Record<string, string>} [other] */
  path(after, other = {}) {
    const wanted = /** @type {Record<string, string>} */ ({ ...this.query, ...asked(this.query.status), limit: String(PAGE), ...(after ? { after } : {}), ...other });
    return `/api/sessions?${new URLSearchParams(Object.entries(wanted).filter(([, value]) => value))}`;
  }

  /* ---- reading ---- */

  async load() {
    this.#ends.abort();
    const { signal } = this.#ends = new AbortController(), offers = !this.query.q && ['', 'incomplete'].includes(this.query.status);
    this.gallery.setAttribute('aria-busy', 'true');
    try {
      const [list, open] = await Promise.all([get(this.path(null), { signal }), offers ? readUnfinished(signal) : [], this.asked ??= this.ask()]);
      Object.assign(this, { items: list.items, next: list.next, total: list.total, failed: '' });
      this.drawOffers(open);
      this.fresh.hidden = true;
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      this.failed = sentence(error);
    }
    this.gallery.removeAttribute('aria-busy');
    this.draw();
    if (this.loaded) this.shell.say(t.sessions.found(this.total));
    this.loaded = true;
    void this.countFilters();
  }

  async loadMore() {
    const after = this.next;
    if (!after || this.gallery.hasAttribute('aria-busy')) return;
    const { signal } = this.#ends;
    this.next = null;
    attr(this.moreButton, { 'aria-busy': 'true' });
    try {
      const list = await get(this.path(after), { signal }), known = new Set(this.items.map(one => one.id));
      this.items.push(...list.items.filter((/** @type {Session} */ one) => !known.has(one.id)));
      Object.assign(this, { next: list.next, total: list.total });
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      this.next = after; // the button stays, and tries again
    }
    attr(this.moreButton, { 'aria-busy': null });
    this.draw();
  }

  /** How many there are of each kind. */
  async countFilters() {
    const { signal } = this.#ends;
    try {
      const answers = await Promise.all(FILTERS.map(status => get(`/api/sessions?${new URLSearchParams({ limit: '1', ...asked(status, false) })}`, { signal })));
      answers.forEach((answer, n) => {
        const button = /** @type {HTMLElement} */ (this.filters.children[n]);
        put(button.querySelector('em'), count(answer.total));
        if (FILTERS[n] === 'legacy') button.hidden = !answer.total && this.query.status !== 'legacy';
      });
    } catch (error) {
      if (!isAbort(error)) this.filters.querySelectorAll('em').forEach((/** @type {Element} */ em) => put(em, '')); // better none than wrong ones
    }
  }

  /* ---- drawing ---- */

  draw() {
    const offered = new Set([...this.offers.values()].map(offer => offer.item.session.id)), cards = this.items.filter(session => !offered.has(session.id));
    keyed(this.gallery, cards, session => session.id, makeCard, updateCard);
    this.gallery.hidden = !cards.length;
    put(this.shown, this.items.length ? t.sessions.shown(count(this.items.length), count(this.total)) : '');
    this.moreButton.hidden = !this.next;
    this.foot.hidden = !this.items.length;
    this.drawEmpty();
  }

  /** What stands in the gallery's place: why there is nothing, and what to do. */
  drawEmpty() {
    const kind = this.nothing(), q = this.query.q;
    this.empty.hidden = !kind;
    if (this.empty.dataset.kind === `${kind} ${q}`) return;
    this.empty.dataset.kind = `${kind} ${q}`;
    this.empty.replaceChildren(...(kind ? [h('div.empty', null, ...this.words(kind, q))] : []));
  }

  nothing() {
    if (this.failed) return 'failed';
    if (this.items.length) return '';
    return this.query.q || this.query.status ? 'no-match' : 'none';
  }

  /** @param {string} kind @param {string} q @returns {any[]} */
  words(kind, q) {
    if (kind === 'failed') return [icon('bad'), h('b', null, t.sessions.notRead), h('p', null, this.failed), h('button.btn', { type: 'button', 'data-action': 'retry', onclick: () => void this.load() }, t.common.retry)];
    if (kind === 'none') return [icon('scan'), h('b', null, t.sessions.none), h('p', null, t.sessions.noneHint), h('a.btn.pri', { href: '/' }, t.sessions.newScan)];
    return [icon('search'), h('b', null, q ? t.sessions.noMatch(q) : t.sessions.noneSuch), h('p', null, t.sessions.searchesIn), h('button.btn', { type: 'button', 'data-action': 'clear-search', onclick: () => this.clear() }, t.sessions.clearSearch)];
  }

  /** @param {Unfinished[]} items */
  drawOffers(items) {
    const shown = items.slice(0, this.query.status ? ALL_OFFERS : OFFERS), keys = new Set(shown.map(keyOf));
    for (const [id, offer] of this.offers) if (!keys.has(id)) { offer.close(); this.offers.delete(id); }
    for (const item of shown) {
      const had = this.offers.get(keyOf(item));
      if (had) had.show(item);
      else this.offers.set(keyOf(item), new ResumeOffer(item));
    }
    const rest = items.length - shown.length;
    this.offerBox.replaceChildren(...shown.map(item => /** @type {ResumeOffer} */ (this.offers.get(keyOf(item))).el),
      ...(rest ? [h('p.pane.quiet.rest', null, h('a', { href: '/sessions?status=incomplete' }, t.sessions.moreUnfinished(rest)))] : []));
  }

  /* ---- events ---- */

  /** @param {string} id @param {any} event */
  touch(id, event) {
    const at = this.items.findIndex(one => one.id === id);
    if (event.topic === 'photo_saved') { this.photoSaved(id, event.photo); return; }
    const refresh = this.#refreshes.get(id) ?? debounce(() => void this.refresh(id), 250);
    this.#refreshes.set(id, refresh);
    if (at >= 0 || event.topic === 'job_created' || this.offerOf(id)) refresh();
    this.recount();
  }

  /** @param {string} id */
  offerOf(id) { return [...this.offers.values()].find(offer => offer.item.session.id === id); }

  /** Reads one session anew; one that is not in the list yet waits behind a button. @param {string} id */
  async refresh(id) {
    try {
      const session = await get(`/api/sessions/${encodeURIComponent(id)}`, { signal: this.#ends.signal }), at = this.items.findIndex(one => one.id === id);
      if (at >= 0) this.put(at, session);
      else if (!this.query.q) { this.fresh.hidden = false; put(this.fresh.lastElementChild, t.sessions.newOnes); }
      const offer = this.offerOf(id), pass = session.passes.find((/** @type {any} */ one) => one.name === offer?.item.pass.name);
      if (offer && pass) offer.show({ session, pass });
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) this.deleted(id); // everything else the next event or snapshot tells
    }
  }

  /** @param {number} at @param {Session} session */
  put(at, session) {
    this.items[at] = session;
    const card = this.card(session.id);
    if (!card) return;
    card.classList.remove('gone');
    attr(card, { href: sessionHref(session.id), 'aria-disabled': null });
    updateCard(card, session);
  }

  /** @param {string} id @returns {HTMLElement|null} */
  card(id) { return this.gallery.querySelector(`[data-session="${CSS.escape(id)}"]`); }

  /** @param {string} id @param {import('../types.js').Photo} photo */
  photoSaved(id, photo) {
    const at = this.items.findIndex(one => one.id === id), session = this.items[at];
    if (!session) return;
    const passes = session.passes.map(pass => (pass.name === photo.pass ? { ...pass, saved: Math.min(pass.shots, pass.saved + 1), bytes: pass.bytes + photo.bytes } : pass));
    const planned = passes.reduce((n, pass) => n + pass.shots, 0);
    this.put(at, { ...session, passes, photos: Math.min(planned, session.photos + 1), bytes: session.bytes + photo.bytes, thumbnail: session.thumbnail ?? photo.name });
  }

  /** Its card stays where it was, so that nothing moves under the hand. @param {string} id */
  deleted(id) {
    const card = this.card(id);
    card?.classList.add('gone');
    if (card) { attr(card, { href: null, 'aria-disabled': 'true' }); put(card.querySelector('.sub'), t.sessions.deleted); }
    this.recount();
  }

  linkChanged() {
    this.offers.forEach(offer => offer.draw());
    if (this.failed && store.link.state === 'live') void this.load();
  }

  async showTrash() {
    const [{ showTrash }] = await Promise.all([import('../trash.js'), texts('keep')]);
    await showTrash();
    await this.load(); // what was brought back is in the list again
  }

  /** Old folders that may be one scan, where there are old folders at all. */
  async ask() {
    try {
      if (!(await get('/api/sessions/questions', { signal: this.ending.signal })).total) return;
      const [{ Questions }] = await Promise.all([import('../questions.js'), texts('keep')]);
      const box = new Questions(this.shell);
      await box.read();
      this.questions.append(box.el);
    } catch {
      this.questions.replaceChildren(); // nothing is asked then; everything stays as it is
    }
  }

  showNew() {
    this.fresh.hidden = true;
    this.input.focus({ preventScroll: true });
    scrollTo(0, 0);
    void this.load();
  }
}

/** What a filter asks the daemon for: a state, or an older format. @param {string} status @param {boolean} [whole] empty ones too @returns {Record<string, string>} */
function asked(status, whole = true) {
  if (status === 'legacy') return { ...(whole ? { status: '' } : {}), format: 'legacy' };
  return status || whole ? { status } : {};
}

/** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell @returns {import('../app.js').View} */
export const mount = (main, params, shell) => new SessionsView(main, params, shell);
