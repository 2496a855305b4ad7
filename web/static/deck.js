/* The start form: object, passes, plan, estimate, Start. What it will cost comes from POST /api/plans as one types.
 *
 *   const deck = makeDeck({planned(shots, pass), started(job)})   deck.el   deck.focusTitle()   deck.refresh() after a new snapshot   deck.leave()
 * planned: the viewpoints of the chosen pass as shots, for dome and dial. The form outlives the view and a reload of the page.
 */
import { ApiError, isAbort, newKey, post, sentence, tidy } from './api.js';
import { whyOff } from './act.js';
import { fold } from './deck-fold.js';
import { planPanel } from './deck-plan.js';
import { attr, debounce, h, icon, keyed, put } from './dom.js';
import { clearFaults, field, showFaults, text } from './fields.js';
import { count, degrees, span } from './format.js';
import { t } from './i18n.js';
import { blank, newPass, take, toSpec } from './spec.js';
import { store } from './store.js';

/** @typedef {import('./spec.js').Form} Form  @typedef {import('./types.js').Estimate} Estimate  @typedef {import('./types.js').Shot} Shot */

const x = t.form, KEEP = 'start-form', WAIT = 220;

/** @returns {Form|null} */
function kept() {
  try { return JSON.parse(sessionStorage.getItem(KEEP) ?? 'null'); } catch { return null; }
}

/** @param {{planned: (shots: Shot[], pass: string) => void, started: (job: import('./types.js').Job) => void}} events */
export function makeDeck({ planned, started }) {
  const rig = () => store.state?.rig;
  /** @type {Form} */
  let form = kept() ?? blank(rig());
  let known = Boolean(rig());
  let chosen = 0, open = false, key = newKey(), starting = false;
  /** @type {Estimate|null} */
  let plan = null;
  let asking = new AbortController();

  const title = text({ path: 'title', value: form.title, maxlength: 200, placeholder: x.titleHint, change: value => { form.title = value; save(); } });
  const preset = h('select.in', { onchange: () => usePreset(preset.value) });
  const presetField = field(x.preset, preset);
  const passes = h('ul.passes'), planSet = h('fieldset', null, h('legend.vh', null, x.plan)), hint = h('p.hint'), turnHint = h('p.hint', { hidden: true }, x.turnHint);
  const photos = h('dd', null, '\u00a0'), minutes = h('dd', null, '\u00a0'), megabytes = h('dd', null, '\u00a0'), startSmall = h('small'), startWord = h('span', null, x.start), startIcon = h('span.bi.end', null, icon('play'));
  const start = h('button.btn.pri.big.start', { type: 'submit', 'data-act': 'start' }, startWord, startSmall, startIcon);
  const faults = h('div.faults', { role: 'alert' });
  const foldSlot = h('div.foldslot');
  const el = h('form.deck.wide', { 'aria-label': t.scan.newScan, novalidate: true, onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); submit(); } },
    h('fieldset', null, h('legend', null, x.object), field(x.title, title), presetField),
    h('fieldset', { 'data-path': 'passes' }, h('legend.vh', null, x.passes), h('div.row-h', null, h('b', null, x.passes), h('button.btn.bare.end', { type: 'button', 'data-act': 'add-pass', onclick: addPass }, icon('plus', 'sm'), x.addPass)), passes, turnHint),
    planSet,
    h('fieldset.cost', null, h('legend.vh', null, x.estimate), h('dl.est', { 'aria-live': 'polite' }, [[x.photos, photos], [x.minutes, minutes], [x.size, megabytes]].map(([word, value]) => h('div.ro', null, h('dt', null, word), value))), hint, faults, h('div.transport', null, start)),
    foldSlot);

  function save() {
    try { sessionStorage.setItem(KEEP, JSON.stringify(form)); } catch { /* private mode: the form is lost on reload */ }
    key = newKey(); // another request
  }

  const changed = () => { save(); estimateSoon(); };
  const rebuilt = () => { drawPasses(); drawPlan(); changed(); };

  function addPass() {
    form.passes.push(newPass(form));
    chosen = form.passes.length - 1;
    rebuilt();
    passes.lastElementChild?.querySelector('input')?.focus();
  }

  /** @param {number} n */
  function removePass(n) {
    form.passes.splice(n, 1);
    chosen = Math.min(chosen, form.passes.length - 1);
    rebuilt();
    passes.children[Math.min(n, form.passes.length - 1)]?.querySelector('input')?.focus();
  }

  /** @param {number} n */
  function choose(n) {
    if (n === chosen) return;
    chosen = n;
    drawPasses();
    drawPlan();
    drawPlanned();
  }

  function drawPasses() {
    passes.replaceChildren(...form.passes.map((pass, n) => h('li', { class: form.passes.length > 1 && n === chosen ? 'on' : null, 'data-pass': n },
      text({ path: `passes[${n}].name`, value: pass.name, 'aria-label': x.passName(n + 1), maxlength: 48, spellcheck: 'false', onfocus: () => choose(n), change: value => { pass.name = value; changed(); } }),
      h('span.end', null, h('span.n', null, String(plan?.passes[n]?.count ?? '')),
        form.passes.length > 1 && h('button.btn.bare.icon', { type: 'button', 'aria-label': x.removePass(pass.name), onclick: () => removePass(n) }, icon('x', 'sm'))))));
    attr(turnHint, { hidden: form.passes.length < 2 });
  }

  function drawPlan() {
    const fixed = rig()?.tilt ? null : rig()?.fixed_elevation ?? null;
    planSet.replaceChildren(planSet.firstElementChild, ...planPanel({ pass: form.passes[chosen], index: chosen, fixed, changed, rebuilt: () => { drawPlan(); changed(); } }));
  }

  function drawAll() {
    title.value = form.title;
    drawPasses();
    drawPlan();
    foldSlot.replaceChildren(fold(form, rig(), changed, value => { open = value; }, open));
    drawPresets();
    drawStart();
  }

  function drawPresets() {
    const list = store.state?.presets ?? [];
    attr(presetField, { hidden: !list.length });
    keyed(preset, [{ name: '' }, ...list], item => item.name || '-', item => h('option', { value: item.name }, item.name || x.noPreset));
    preset.value = form.preset;
  }

  /** @param {string} name */
  function usePreset(name) {
    const found = store.state?.presets.find(item => item.name === name);
    form = found ? { ...take(form, found.spec, rig()), preset: name } : { ...form, preset: '' };
    chosen = 0;
    drawAll();
    changed();
  }

  function drawPlanned() {
    const one = plan?.passes[chosen];
    planned((one?.viewpoints ?? []).map(([azimuth, elevation], n) => ({ shot: n + 1, azimuth, elevation, state: 'planned' })), form.passes.length > 1 ? one?.name ?? '' : '');
  }

  /** The step between neighbours in the emptiest ring, where the plan has one. */
  function widest() {
    const steps = form.passes.flatMap(pass => (pass.kind === 'rings' ? pass.rings.rings.map(ring => 360 / ring.count) : pass.kind === 'grid' ? [pass.grid.azimuth_step] : []));
    return steps.length ? Math.max(...steps) : null;
  }

  function drawEstimate() {
    if (!plan) return;
    put(photos, count(plan.count));
    put(minutes, span(plan.duration_s));
    put(megabytes, count(Math.round(plan.bytes / 1e6)));
    put(startSmall, x.startSmall(count(plan.count), span(plan.duration_s)));
    const own = plan.passes.flatMap(pass => pass.warnings), warnings = [...new Set(own.length ? own : plan.warnings)], step = widest(), free = store.state?.health.disk_free;
    const room = typeof free === 'number' && plan.bytes > 0 ? Math.floor(free / plan.bytes) : null;
    hint.className = warnings.length ? 'hint warn-t' : 'hint';
    put(hint, store.looking ? t.shell.looking : warnings.length ? warnings.map(tidy).join(' ') : `${step === null ? '' : x.widest(degrees(step))} ${room === null ? '' : x.room(room)}`.trim());
    [...passes.children].forEach((row, n) => put(row.querySelector('.n'), plan?.passes[n]?.count ?? ''));
  }

  function drawStart() {
    const state = rig()?.state, why = whyOff() || (state === 'missing' ? x.noRig : '');
    attr(start, { 'aria-disabled': why ? 'true' : null, title: why || null, 'aria-busy': starting ? 'true' : null });
    put(startWord, starting ? x.starting : x.start);
  }

  /** @param {unknown} error @param {boolean} asked the person pressed Start, so say everything */
  function drawFaults(error, asked) {
    if (error instanceof ApiError && error.fields.size) {
      const bad = [...error.fields.keys()].map(path => Number(/^passes\[(\d+)\]/.exec(path)?.[1] ?? chosen));
      if (asked && bad.length && !bad.includes(chosen)) choose(bad[0]);
      const rest = showFaults(el, error.fields);
      faults.replaceChildren(...rest.map(text_ => fault(tidy(text_))));
      if (asked) el.querySelector('[aria-invalid]')?.focus();
    } else if (asked) faults.replaceChildren(fault(sentence(error)));
  }

  const fault = (/** @type {string} */ message) => h('p.hint.bad', null, icon('bad', 'sm'), h('span', null, message));

  async function estimate() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    if (!store.state) return;
    try {
      const answer = await post('/api/plans', toSpec(form, rig()), { signal });
      if (signal.aborted) return;
      plan = answer;
      clearFaults(el);
      faults.replaceChildren();
      drawEstimate();
      drawPlanned();
    } catch (error) {
      if (!signal.aborted && !isAbort(error)) drawFaults(error, false);
    }
  }
  const estimateSoon = debounce(estimate, WAIT);

  async function submit() {
    const why = start.getAttribute('aria-disabled') === 'true' && start.title;
    if (why) faults.replaceChildren(fault(why));
    if (starting || why) return;
    starting = true;
    drawStart();
    try {
      const job = await post('/api/scans', toSpec(form, rig()), { key });
      key = newKey();
      form.title = '';
      form.notes = '';
      save();
      title.value = '';
      started(job);
    } catch (error) {
      drawFaults(error, true);
    } finally {
      starting = false;
      drawStart();
    }
  }

  drawAll();
  estimate();
  const offs = [store.on('link', drawStart)];

  return {
    el,
    focusTitle() { title.focus(); },
    refresh() {
      if (!known && rig()) { known = true; if (!kept()) form = blank(rig()); drawAll(); }
      drawPresets();
      drawStart();
      if (!plan) estimateSoon();
    },
    again() { drawPlanned(); },
    leave() { asking.abort(); estimateSoon.cancel(); offs.forEach(off => off()); },
  };
}
