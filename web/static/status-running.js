/* The status card of a scan that has the rig: what it does now, how far it is, what a person can do. Also every kind of pause: why it
 * stands and what to do takes the place of the times, so nothing moves.
 *
 *   const card = runningCard(shell)   card.el   card.show(job, pass)   card.tick()   card.pauseOrResume()   card.setAside = fn
 */
import { whyOff } from './act.js';
import { sentence, post } from './api.js';
import { makeCells } from './cells.js';
import { makeDial } from './dial.js';
import { ask } from './dialog.js';
import { attr, h, icon, put } from './dom.js';
import { bytes, clock, number, span } from './format.js';
import { t } from './i18n.js';
import { reason } from './pause-words.js';
import { azimuthOf } from './rig.js';
import { store } from './store.js';
import { toast } from './toasts.js';

/** @typedef {import('./types.js').Job} Job  @typedef {import('./pass.js').PassWatch} PassWatch */

const x = t.scan;
const PHASES = ['move', 'settle', 'expose', 'save'];
const WORDS = /** @type {Record<string, string>} */ ({ running: 'run', paused: 'pause', pending: 'off' });

/** @param {string} id @param {string} command */
async function give(id, command) {
  try {
    await post(`/api/jobs/${encodeURIComponent(id)}/${command}`);
    return true;
  } catch (error) {
    toast(x.refused[command]?.(sentence(error)) ?? sentence(error), { bad: true });
    return false;
  }
}

/** @param {HTMLElement} el @param {string} name */
function sign(el, name) {
  if (el.getAttribute('data-icon') === name) return;
  el.setAttribute('data-icon', name);
  el.replaceChildren(icon(name));
}

/** @param {string} label @returns {[HTMLElement, HTMLElement]} */
const readout = (label, kind = 'sm') => {
  const value = h('dd', null, '–');
  return [h(`div.ro.${kind}`, null, h('dt', null, label), value), value];
};

export function runningCard() {
  const dial = makeDial(), cells = makeCells();
  const word = h('span.st'), title = h('h1'), name = document.createTextNode(''), sub = h('span'), shotWord = h('span.hide-p.hide-t');
  const phases = h('ol.phases', null, PHASES.map(phase => h('li', { 'data-phase': phase }, x.phases[phase])));
  const [left, leftValue] = readout(x.left, 'xl'), [ends, endsValue] = readout(x.ends), [saved, savedValue] = readout(x.saved), [elapsed, elapsedValue] = readout(x.elapsed), [rate, rateValue] = readout(x.rate);
  saved.classList.add('opt');
  rate.classList.add('opt');
  const whyTitle = h('b'), whyText = h('span'), whyIcon = h('span.whyicon'), skip = h('button.link', { type: 'button', 'data-act': 'skip', onclick: () => act('skip') });
  const times = h('dl.times', null, left, ends, saved, elapsed, rate);
  const why = h('div.why', { hidden: true, role: 'group', 'aria-label': x.whyLabel, 'data-why': true }, whyIcon, h('div', null, whyTitle, whyText, skip));
  const mainText = h('span'), mainIcon = h('span.bi'), kbd = h('kbd', null, 'P');
  const main = h('button.btn.big', { type: 'button', 'aria-keyshortcuts': 'p', 'data-act': 'main', onclick: () => card.pauseOrResume() }, mainIcon, mainText, kbd);
  const finish = h('button.btn', { type: 'button', 'data-act': 'finish', onclick: askFinish }, x.finish);
  const cancel = h('button.btn', { type: 'button', 'data-act': 'cancel', onclick: askCancel }, x.cancel);
  title.append(name, sub);
  const el = h('section.pane.status.wide', { 'aria-label': x.status, 'data-status': 'scan' }, dial,
    h('div.what', null, h('div.now', null, word, phases, shotWord), title, cells),
    h('div.go', null, main, h('div.half', null, finish, cancel)), times, why);

  /** @type {Job|null} */
  let job = null;
  /** @type {PassWatch|null} */
  let pass = null;
  let busy = '';
  let elapsedAt = { value: -1, since: 0 };

  /** @param {string} what */
  async function act(what) {
    if (!job || busy || whyOff()) return;
    busy = what;
    draw();
    await give(job.id, what);
    busy = '';
    draw();
  }

  const facts = () => ({ done: job?.progress.done ?? 0, total: job?.progress.total ?? 0 });

  async function askCancel() {
    if (!job || blocked()) return;
    const running = job.state === 'running', { id } = job;
    const answer = await ask({ title: x.cancelTitle, text: x.cancelText(facts().done, facts().total), keep: running ? x.keepScanning : x.keepPaused, answers: [['cancel', x.cancelScan, 'danger'], ...(running ? [/** @type {[string, string]} */ (['pause', x.pauseInstead])] : [])] });
    if (answer && job?.id === id) act(answer);
  }

  async function askFinish() {
    if (!job || blocked()) return;
    const { id } = job;
    const answer = await ask({ title: x.finishTitle, text: x.finishText(facts().done, facts().total), keep: job.state === 'running' ? x.keepScanning : x.keepPaused, answers: [['finish', x.finishScan]] });
    if (answer && job?.id === id) act(answer);
  }

  /** Off, but still there and saying why. */
  function blocked() {
    if (!whyOff()) return false;
    toast(whyOff());
    return true;
  }

  function elapsedNow() {
    if (!job) return 0;
    if (job.elapsed_s !== elapsedAt.value) elapsedAt = { value: job.elapsed_s, since: Date.now() };
    return job.elapsed_s + (job.state === 'running' && store.link.state === 'live' ? (Date.now() - elapsedAt.since) / 1000 : 0);
  }

  function drawTimes() {
    if (!job) return;
    const eta = job.progress.eta_s, seconds = elapsedNow(), going = job.state === 'running';
    put(leftValue, eta === null ? '–' : span(eta));
    put(endsValue, eta === null || !going ? '–' : clock(new Date(store.now().getTime() + eta * 1000)));
    put(elapsedValue, span(seconds));
    put(savedValue, bytes([...(pass?.photos.values() ?? [])].reduce((sum, photo) => sum + photo.bytes, 0)));
    const done = pass ? pass.photos.size : 0;
    put(rateValue, done > 1 && seconds > 5 ? number(job.progress.done / seconds * 60, 1) : '–');
  }

  /** @param {Job} of */
  function drawMain(of) {
    const running = of.state !== 'paused', coming = of.order || busy;
    put(mainText, x.doing[coming] ?? (running ? x.pause : x.resumes[of.pause?.reason ?? ''] ?? x.resume));
    sign(mainIcon, coming ? 'busy' : running ? 'pause' : 'play');
    main.classList.toggle('pri', !running);
    attr(main, { 'aria-busy': coming ? 'true' : null });
    const off = whyOff();
    for (const button of [main, finish, cancel, skip]) attr(button, { 'aria-disabled': off ? 'true' : null, title: off || null });
  }

  function drawWhy() {
    if (!job) return;
    const stands = job.shot ?? pass?.shots.find(shot => shot.state === 'failed')?.shot ?? 0;
    const paused = job.state === 'paused' && Boolean(job.pause), { title: head, text, kind } = reason(job, stands);
    attr(why, { hidden: !paused, class: `why ${kind}` });
    attr(times, { hidden: paused });
    el.classList.toggle('held', paused);
    if (!paused) return;
    sign(whyIcon, { bad: 'bad', info: 'turn', calm: 'pause' }[kind] ?? 'warn');
    put(whyTitle, head);
    put(whyText, text);
    attr(skip, { hidden: job.pause?.by !== 'fault' || !stands });
    put(skip, stands ? x.skipShot(stands) : '');
  }

  function drawDial() {
    if (!job) return;
    const shots = pass?.shots ?? [], going = job.state === 'running', current = going ? pass?.current : null;
    const done = shots.filter(shot => shot.state === 'saved').length, missing = shots.filter(shot => shot.state === 'skipped' || shot.state === 'failed').length;
    const azimuth = azimuthOf(store.state?.rig);
    const unit = job.state === 'paused' ? x.pausedUnit : x.ofUnit(shots.length);
    if (shots.length) {
      dial.show({ shots, current, azimuth, text: String(done), unit, label: x.dialLabel(done, shots.length, missing, azimuth === null ? null : Math.round(azimuth)) });
      cells.show({ shots, current });
    } else dial.share({ saved: job.progress.done, total: job.progress.total, label: '', text: String(job.progress.done), unit: x.ofUnit(job.progress.total) });
  }

  /** @param {Job} of */
  function drawNow(of) {
    const running = of.state === 'running', { phase, shot } = running ? store.live(of.id) : { phase: null, shot: null };
    put(word, of.state === 'pending' && of.queue_position ? x.waiting(of.queue_position) : x.states[of.state] ?? of.state);
    attr(word, { class: `st ${WORDS[of.state] ?? 'off'}` });
    attr(phases, { 'aria-label': shot ? x.shot(shot) : x.phasesLabel, 'data-rest': !running });
    for (const item of phases.children) attr(item, { 'aria-current': item.getAttribute('data-phase') === phase ? 'step' : null });
    put(shotWord, shot ? x.shot(shot) : '');
  }

  /** @param {Job} of */
  function drawTitle(of) {
    const first = of.title || x.untitled;
    if (name.data !== first) name.data = first;
    put(sub, of.pass && of.passes.length > 1 ? x.passOf(of.pass, of.passes.indexOf(of.pass) + 1, of.passes.length) : of.pass ?? '');
  }

  function draw() {
    if (!job) return;
    drawNow(job);
    drawTitle(job);
    drawDial();
    drawTimes();
    drawWhy();
    drawMain(job);
  }

  const card = {
    el,
    /** @param {Job} next @param {PassWatch|null} nextPass */
    show(next, nextPass) { job = next; pass = nextPass; draw(); },
    tick() { drawTimes(); },
    pauseOrResume() {
      if (!job || blocked() || busy) return;
      act(job.state === 'paused' || job.order === 'pause' ? 'resume' : 'pause');
    },
  };
  return card;
}
