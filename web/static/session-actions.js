/* What can be done with a session: each asks the daemon and tells the person when it cannot be done. Nothing here changes the page
 * itself, the events do.
 *
 *   act(button, () => post(...))       busy button, toast on a fault; false while not connected
 *   passActions(model, pass)           the buttons that fit a pass now, [{id, label, icon, main, run}]
 *   addPass(model)                     the dialog for another pass
 */
import { get, post, sentence } from './api.js';
import { ask, open } from './dialog.js';
import { attr, h, icon } from './dom.js';
import { bytes, list, span } from './format.js';
import { jobAt, remaining, resumable, stateOf } from './session-words.js';
import { store } from './store.js';
import { toast } from './toasts.js';
import { t } from './i18n.js';

/** @typedef {import('./types.js').PassInfo} PassInfo  @typedef {import('./session-model.js').SessionModel} SessionModel */
/** @typedef {{id: string, label: string, icon?: string, main?: boolean, quiet?: boolean, run: (button: Element) => void}} Action */

/** @param {Element|null} button @param {() => Promise<any>} request @returns {Promise<any>} the answer, or false */
export async function act(button, request) {
  if (button?.getAttribute('aria-busy')) return false;
  if (store.link.state !== 'live') { toast(t.sessions.notConnected, { bad: true }); return false; }
  if (button) attr(button, { 'aria-busy': 'true' });
  try {
    return (await request()) ?? true;
  } catch (error) {
    toast(sentence(error), { bad: true });
    return false;
  } finally {
    if (button) attr(button, { 'aria-busy': null });
  }
}

/** @param {string} session @param {string} pass @param {string} what */
export const passPath = (session, pass, what) => `/api/sessions/${encodeURIComponent(session)}/passes/${encodeURIComponent(pass)}/${what}`;

/** @param {string} session @param {PassInfo} pass @param {Element} button */
export async function resumePass(session, pass, button) {
  const job = await act(button, () => post(passPath(session, pass.name, 'resume')));
  if (job?.state === 'pending' && job.queue_position) toast(t.sessions.queued(job.queue_position));
  return job;
}

/** @param {string} session @param {PassInfo} pass @param {Element} button */
export const finishPass = (session, pass, button) => act(button, () => post(passPath(session, pass.name, 'finish')));

/** @param {string} session @param {PassInfo} pass @param {Element} button */
export async function cancelPass(session, pass, button) {
  const at = jobAt(pass, store.jobOf(session)), running = at?.state === 'running', later = at?.passes.slice(at.passes.indexOf(pass.name) + 1) ?? [];
  const answer = await ask({
    title: t.sessions.cancelTitle(pass.name), text: t.sessions.cancelText(pass.saved, pass.shots, list(later)), keep: running ? t.sessions.keepScanning : t.sessions.keepPass,
    answers: [['cancel', t.sessions.cancelPass, 'danger'], ...(running ? [/** @type {[string, string]} */ (['pause', t.sessions.pauseInstead])] : [])],
  });
  const job = store.jobOf(session);
  if (answer === 'pause' && job) await act(button, () => post(`/api/jobs/${encodeURIComponent(job.id)}/pause`));
  if (answer === 'cancel') await act(button, () => post(passPath(session, pass.name, 'cancel')));
}

/** @param {SessionModel} model @param {PassInfo} pass @returns {Action[]} */
export function passActions(model, pass) {
  const { id } = model, job = model.job(), state = stateOf(pass, job), path = `/api/jobs/${encodeURIComponent(job?.id ?? '')}/pause`;
  /** @param {string} name @param {string} label @param {(button: Element) => Promise<any>} run @param {Partial<Action>} [more] */
  const action = (name, label, run, more) => ({ id: name, label, run: (/** @type {Element} */ button) => void run(button), ...more });
  const finish = pass.saved ? [action('finish', t.sessions.finish, button => finishPass(id, pass, button))] : [];
  const cancel = action('cancel', t.sessions.cancelMore, button => cancelPass(id, pass, button), { quiet: true });
  if (state === 'running') return [action('pause', t.sessions.pause, button => act(button, () => post(path)), { icon: 'pause' }), ...finish, cancel];
  if (state === 'pending') return jobAt(pass, job) ? [cancel] : [];
  if (!resumable(pass, state) || (job?.kind === 'scan' && job.state === 'running')) return [];
  const resume = action('resume', resumeWords(pass, job), button => resumePass(id, pass, button), { icon: 'play', main: true });
  return [resume, ...finish, ...(state === 'cancelled' ? [] : [cancel])];
}

/** What going on means: a pass may wait for the object to be turned. @param {PassInfo} pass @param {import('./types.js').Job|undefined} job */
export function resumeWords(pass, job) {
  if (jobAt(pass, job)?.pause?.reason === 'turn_object') return t.sessions.turnedObject;
  return pass.saved ? t.sessions.resume(remaining(pass)) : t.sessions.begin(pass.shots);
}

/* ---- another pass ---- */

/** A name nobody has taken. @param {string[]} taken */
function freeName(taken) {
  for (const name of ['flipped', 'left', 'right']) if (!taken.includes(name)) return name;
  for (let n = taken.length + 1; ; n += 1) if (!taken.includes(`pass-${n}`)) return `pass-${n}`;
}

/** @param {SessionModel} model */
export async function addPass(model) {
  const passes = model.session?.passes ?? [], names = passes.map(pass => pass.name);
  const specs = await act(null, () => Promise.all(names.map(name => get(passPath(model.id, name, '').slice(0, -1)))));
  if (!specs) return;
  /** @type {Map<string, any>} */
  const plans = new Map();
  names.forEach((name, at) => { if (specs[at].spec) plans.set(name, specs[at].spec); });
  if (!plans.size) { toast(t.sessions.noPlanKept, { bad: true }); return; }
  const job = await open(close => new PassForm(model, plans, names, close).el);
  if (job) toast(t.sessions.passAdded(job.pass ?? job.passes?.[0] ?? ''));
}

class PassForm {
  /** @param {SessionModel} model @param {Map<string, any>} plans @param {string[]} taken @param {(value?: any) => void} close */
  constructor(model, plans, taken, close) {
    this.model = model;
    this.plans = plans;
    this.taken = taken;
    this.close = close;
    this.name = h('input.in', { id: 'pass-name', name: 'name', value: freeName(taken), maxlength: 48, required: true, autocomplete: 'off', spellcheck: 'false', 'data-first': true, 'aria-describedby': 'pass-name-hint', oninput: () => this.check() });
    this.hint = h('p.hint', { id: 'pass-name-hint' }, t.sessions.nameHint);
    this.like = h('select.in', { id: 'pass-like', name: 'like', onchange: () => void this.estimate() }, [...plans.keys()].map(name => h('option', { value: name }, name)));
    this.figures = h('p.figures', { 'aria-live': 'polite' }, '\u00a0');
    this.start = h('button.btn.pri', { type: 'submit' }, icon('play', 'sm'), t.sessions.addAndStart);
    this.el = h('form.in-dialog', { method: 'dialog', onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); void this.submit(); } },
      h('h2', { id: 'dialog-title' }, t.sessions.addTitle), h('p.quiet', null, t.sessions.addText),
      h('label.field', { for: 'pass-name' }, h('span', null, t.sessions.passName), this.name), this.hint,
      h('label.field', { for: 'pass-like' }, h('span', null, t.sessions.planLike), this.like), this.figures,
      h('div.row', null, h('button.btn', { type: 'button', onclick: () => close() }, t.common.cancel), this.start));
    void this.estimate();
  }

  spec() { return { ...this.plans.get(this.like.value), name: this.name.value.trim() }; }

  /** @returns {boolean} */
  check() {
    const name = this.name.value.trim();
    const fault = this.taken.includes(name) ? t.sessions.nameTaken(name) : /^[a-z0-9][a-z0-9-]{0,47}$/.test(name) ? '' : t.sessions.nameHint;
    this.say(fault);
    return !fault;
  }

  /** @param {string} fault */
  say(fault) {
    attr(this.name, { 'aria-invalid': fault ? 'true' : null });
    this.name.classList.toggle('bad', Boolean(fault));
    this.hint.classList.toggle('bad', Boolean(fault));
    this.hint.textContent = fault || t.sessions.nameHint;
  }

  async estimate() {
    try {
      const { count, duration_s: time, bytes: size } = await post('/api/plans', { passes: [{ ...this.spec(), name: 'estimate' }] });
      this.figures.textContent = t.sessions.estimate(count, span(time), bytes(size));
    } catch (error) {
      this.figures.textContent = sentence(error);
    }
  }

  async submit() {
    if (!this.check()) { this.name.focus(); return; }
    attr(this.start, { 'aria-busy': 'true' });
    try {
      this.close(await post(`/api/sessions/${encodeURIComponent(this.model.id)}/passes`, this.spec()));
    } catch (error) {
      this.say(sentence(error));
      this.name.focus();
    } finally {
      attr(this.start, { 'aria-busy': null });
    }
  }
}
