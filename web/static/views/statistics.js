/* Statistics: how much was photographed, when, with what, by whom. Every plot can be read by keys and as a table. */
import { get, isAbort, sentence } from '../api.js';
import { makeBars } from '../bars.js';
import { addDays, dayOf, daysBetween, group } from '../days.js';
import { attr, debounce, h, icon, keyed, put } from '../dom.js';
import { bytes, count, number, span } from '../format.js';
import { store } from '../store.js';
import { locale, t } from '../i18n.js';

/** @typedef {import('../types.js').Statistics} Statistics  @typedef {import('../types.js').Tally} Tally */

const SPANS = ['7', '30', '90', '365', 'all'];
const FIGURES = /** @type {const} */ (['photos', 'scans', 'done', 'time', 'rate', 'again', 'failures', 'size']);
const GROUPS = /** @type {const} */ (['by_preset', 'by_rig', 'by_operator']);
const LONG = 36_000; // seconds; longer times are told in hours
const ROWS = 8; // of a group; the rest is summed up in the totals

const utc = { timeZone: 'UTC' };
const shortDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...utc });
const longDay = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', ...utc });
const shortMonth = new Intl.DateTimeFormat(locale, { month: 'short', year: '2-digit', ...utc });
const longMonth = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', ...utc });
const at = (/** @type {string} */ day) => new Date(`${day}T00:00:00Z`);

/** What a bar is called: under the axis, and in words. @param {string} from @param {string} per @returns {[string, string]} */
function names(from, per) {
  if (per === 'month') return [shortMonth.format(at(from)), longMonth.format(at(from))];
  return [shortDay.format(at(from)), per === 'week' ? t.statistics.weekOf(shortDay.format(at(from))) : longDay.format(at(from))];
}

class StatisticsView {
  span = '30';
  #ends = new AbortController();
  #shown = false;

  /** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell */
  constructor(main, { query }, shell) {
    const x = t.statistics;
    this.main = main;
    this.shell = shell;
    this.seg = h('div.seg', { role: 'group', 'aria-label': x.range }, SPANS.map(name => h('button', { type: 'button', 'data-span': name, onclick: () => this.choose(name) }, x.spans[name])));
    this.note = h('p.quiet', { role: 'status' });
    this.figures = Object.fromEntries(FIGURES.map(name => [name, { dd: h('dd', null, '–'), el: h('div.ro', { 'data-figure': name }, h('dt', null, x.figures[name])) }]));
    for (const { dd, el } of Object.values(this.figures)) el.append(dd);
    this.plots = /** @type {const} */ (['photos', 'passes']).map(name => this.buildPlot(name));
    this.groups = GROUPS.map(name => ({ name, body: h('tbody') }));
    this.disk = h('p');
    this.failed = h('div.notice.bad', { role: 'alert', hidden: true }, icon('bad'), h('p'), h('div.end', null, h('button.btn', { type: 'button', onclick: () => void this.load() }, t.common.retry)));
    main.className = 'statistics';
    this.soon = debounce(() => void this.load(), 1500);
    this.offs = [this.soon.cancel, ...['pass_completed', 'job_ended', 'session_deleted', 'reset'].map(topic => store.on(topic, this.soon)), store.on('state', () => this.drawDisk())];
    this.changed(query);
  }

  /** @param {'photos'|'passes'} name */
  buildPlot(name) {
    const x = t.statistics, bars = makeBars(), per = h('span'), body = h('tbody'), head = h('th', { scope: 'col' });
    const title = name === 'photos' ? x.photos : x.scans;
    const el = h('section.pane.plot-p', { 'aria-labelledby': `${name}-h`, 'data-plot': name }, h('div.pane-h', null, h('h2', { id: `${name}-h` }, title), h('p', null, per)), bars,
      h('details', null, h('summary', null, x.asTable), h('div.scroll-t', { tabindex: 0, role: 'group', 'aria-labelledby': `${name}-h` }, h('table.tbl.plain', null, h('thead', null, h('tr', null, head, h('th.num', { scope: 'col' }, title))), body))));
    return { name, title, el, bars, per, head, body };
  }

  build() {
    const x = t.statistics;
    this.main.append(h('h1.vh', null, x.title), h('div.toolbar', null, this.seg, this.note, h('div.end', null, h('a.btn', { href: '/api/passes?format=csv', download: true }, icon('down', 'sm'), x.downloads))), this.failed,
      h('section.pane', { 'aria-label': x.title }, h('dl.figures-row', null, Object.values(this.figures).map(({ el }) => el))),
      h('div.plots-row', null, this.plots.map(plot => plot.el)),
      h('div.groups-row', null, this.groups.map(({ name, body }) => h('section.pane', { 'aria-labelledby': `${name}-h`, 'data-group': name }, h('div.pane-h', null, h('h2', { id: `${name}-h` }, x.by[name])),
        h('table.tbl.plain', null, h('thead', null, h('tr', null, h('th', { scope: 'col' }, x.name), h('th.num', { scope: 'col' }, x.photos), h('th.num', { scope: 'col' }, x.scans), h('th.num', { scope: 'col' }, x.rate))), body)))),
      h('section.pane.disk-p', { 'aria-labelledby': 'disk-h', 'data-part': 'disk' }, h('div.pane-h', null, h('h2', { id: 'disk-h' }, x.disk)), this.disk));
    this.#shown = true;
  }

  leave() {
    this.#ends.abort();
    this.offs.forEach(off => off());
  }

  title() { return t.statistics.title; }

  /** @param {URLSearchParams} query */
  changed(query) {
    const wanted = query.get('span') ?? '30';
    this.span = SPANS.includes(wanted) ? wanted : '30';
    for (const button of this.seg.children) attr(button, { 'aria-pressed': String(button.getAttribute('data-span') === this.span) });
    void this.load();
  }

  /** @param {string} name */
  choose(name) {
    const query = new URLSearchParams(name === '30' ? {} : { span: name });
    history.replaceState(null, '', location.pathname + (query.size ? `?${query}` : ''));
    this.changed(query);
  }

  /** @returns {string} the first day asked for, '' for all there is */
  since() { return this.span === 'all' ? '' : addDays(dayOf(store.now()), 1 - Number(this.span)); }

  async load() {
    this.#ends.abort();
    const { signal } = this.#ends = new AbortController(), since = this.since();
    try {
      this.data = /** @type {Statistics} */ (await get(`/api/statistics${since ? `?since=${since}` : ''}`, { signal }));
      this.failed.hidden = true;
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      this.failed.hidden = false;
      put(this.failed.querySelector('p'), `${t.statistics.notRead} ${sentence(error)}`);
    }
    if (!this.#shown) this.build(); // with its figures, so that nothing moves when they come
    this.draw();
  }

  /* ---- drawing ---- */

  draw() {
    const { data } = this;
    if (!data) return;
    const today = dayOf(store.now()), first = this.since() || data.by_day[0]?.key || today;
    put(this.note, this.span === 'all' ? t.statistics.always : t.statistics.from(longDay.format(at(first))));
    this.drawFigures(data.total);
    this.drawPlots(data, first, today);
    for (const { name, body } of this.groups) drawGroup(body, name, data[name]);
    this.drawDisk();
  }

  /** @param {Tally} total */
  drawFigures(total) {
    const x = t.statistics;
    /** @type {Record<typeof FIGURES[number], [string, string]>} */
    const values = {
      photos: [count(total.photos), ''], scans: [count(total.passes), x.ofSessions(total.sessions)], done: [count(total.completed), total.passes ? x.share(number(100 * total.completed / total.passes)) : ''],
      time: [total.duration_s < LONG ? span(total.duration_s) : x.hours(number(total.duration_s / 3600, 1)), ''], rate: [total.photos_per_hour === null ? '–' : count(Math.round(total.photos_per_hour)), ''], again: [count(total.retakes), ''], failures: [count(total.failures), ''], size: [bytes(total.bytes), ''],
    };
    for (const name of FIGURES) this.figures[name].dd.replaceChildren(values[name][0], ...(values[name][1] ? [h('small', null, values[name][1])] : []));
  }

  /** @param {Statistics} data @param {string} first @param {string} last */
  drawPlots(data, first, last) {
    const { per, bins } = group(data.by_day, first, last), x = t.statistics;
    for (const plot of this.plots) {
      const bars = bins.map(bin => { const [label, long] = names(bin.from, per); return { label, long, value: bin[plot.name], from: bin.from }; });
      plot.bars.show({ bars, what: x.plotLabel(plot.title, x.per[per]), unit: x.units[plot.name] });
      put(plot.per, x.per[per]);
      put(plot.head, x[per]);
      keyed(plot.body, bars.filter(bar => bar.value).reverse(), bar => bar.from, () => h('tr', null, h('th', { scope: 'row' }), h('td.num')), (el, bar) => { put(el.firstElementChild, bar.long); put(el.lastElementChild, count(bar.value)); });
    }
  }

  /** How long the disk lasts, as it went in this range. */
  drawDisk() {
    const { data } = this, free = store.state?.health.disk_free, x = t.statistics;
    if (!data || typeof free !== 'number') { put(this.disk, x.noForecast); return; }
    const { photos, bytes: taken } = data.total, days = daysBetween(data.by_day[0]?.key ?? dayOf(store.now()), dayOf(store.now()));
    const words = photos && taken ? [x.forecast(count(Math.floor(free / (taken / photos)))), days > 6 ? x.forecastDays(Math.floor(free / (taken / days))) : ''] : [x.noForecast];
    put(this.disk, [`${x.diskLeft(bytes(free))}.`, ...words].filter(Boolean).join(' '));
  }
}

/** @param {Element} body @param {typeof GROUPS[number]} name @param {Tally[]} rows */
function drawGroup(body, name, rows) {
  const most = Math.max(1, ...rows.map(row => row.photos));
  keyed(body, rows.slice(0, ROWS), row => `k ${row.key}`, () => h('tr', null, h('th', { scope: 'row' }, h('span'), h('progress.share', { 'aria-hidden': 'true' })), h('td.num'), h('td.num'), h('td.num')), (el, row) => {
    const [head, photos, passes, rate] = el.children;
    put(head.firstElementChild, row.key || t.statistics.unnamed[name]);
    attr(head.lastElementChild, { max: most, value: row.photos });
    put(photos, count(row.photos));
    put(passes, count(row.passes));
    put(rate, row.photos_per_hour === null ? '–' : count(Math.round(row.photos_per_hour)));
  });
}

/** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell @returns {import('../app.js').View} */
export const mount = (main, params, shell) => new StatisticsView(main, params, shell);
