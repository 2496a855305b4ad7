/* Scan: what the rig does now. Preview and dome stay where they are before, during and after a scan; the status card above and the
 * deck below change: the start form becomes last photos and sharpness. What belongs to one of the two is loaded with it.
 */
import { get, photoUrl, tidy } from '../api.js';
import { domeBox, makeDome } from '../dome.js';
import { h, put } from '../dom.js';
import { degrees, number, shutter, spoken } from '../format.js';
import { t, texts } from '../i18n.js';
import { addKeys } from '../keys.js';
import { watchPass } from '../pass.js';
import { reason } from '../pause-words.js';
import { makePreview } from '../preview.js';
import { azimuthOf, elevationOf, geometryOf, viewpointOf } from '../rig.js';
import { store } from '../store.js';

/** @typedef {import('../types.js').Job} Job  @typedef {import('../types.js').Shot} Shot */

const x = t.scan;
const LEGENDS = { idle: ['now', 'planned'], scan: ['saved', 'again', 'skipped', 'now', 'planned'] };

/** @type {Job|null} the scan that ended last, until somebody has noticed it; outlives the view */
let ended = null;
/** @type {string|null} a paused job that was put aside to start another */
let aside = null;
/** @type {import('../restore.js').RestoreCard|null} found before the view is shown */
let found = null;
/** The start of the daemon whose interruption somebody has put off. */
let putOff = '';
store.on('job_ended', (/** @type {Job} */ job) => { if (job.kind === 'scan' && job.session_id) ended = job; });

/** @type {{scan: typeof import('../scan-live.js')|null, idle: (typeof import('../scan-idle.js') & typeof import('../status-idle.js'))|null}} */
const modules = { scan: null, idle: null };

/** @param {'scan'|'idle'} mode */
async function load(mode) {
  if (mode === 'scan') { modules.scan ??= await import('../scan-live.js'); return; }
  await texts('form');
  const [idle, card] = await Promise.all([import('../scan-idle.js'), import('../status-idle.js')]);
  modules.idle ??= { ...idle, ...card };
}

/** Whether a pass was left: planned, stood still, or its scanner ended without a word. @param {import('../types.js').PassInfo} pass */
const isLeft = pass => ['paused', 'failed', 'planned'].includes(pass.state) || (pass.state === 'running' && pass.lock?.state !== 'alive');

/** @param {{pause: import('../types.js').Pause|null}} one a job or a pass */
const byRestart = one => one.pause?.by === 'restart';

/** What was interrupted, as a card; null where there is nothing, which is what it mostly is. A scan that has the rig shows itself. */
async function findRestore() {
  const job = store.scanJob(), standing = store.state?.jobs.filter(other => other !== job && other.kind === 'scan' && other.state === 'paused') ?? [];
  try {
    const open = (await get('/api/sessions/restorable')).items.map((/** @type {any} */ item) => item.pass);
    const waits = [...standing, ...open.filter(isLeft)];
    if (!waits.some(one => !job || byRestart(job) || byRestart(one))) return null;
    const [{ RestoreCard }] = await Promise.all([import('../restore.js'), texts('passes')]);
    const card = new RestoreCard(() => { putOff = store.boot; });
    await card.read();
    return card;
  } catch {
    return null; // an offer, nothing more: Sessions has it too
  }
}

/** So that everything is there when the view comes, and nothing moves. */
export async function prepare() {
  await store.ready;
  const [, card] = await Promise.all([load(store.scanJob() ? 'scan' : 'idle'), findRestore()]);
  found = card;
}

/** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell @returns {import('../app.js').View} */
export function mount(main, params, shell) {
  const preview = makePreview(), dome = makeDome();
  const azimuth = h('dd', { 'data-readout': 'azimuth' }, '\u00a0'), elevation = h('dd', { 'data-readout': 'elevation' }, '\u00a0');
  const box = domeBox(dome, { legend: LEGENDS.idle, readouts: [h('div.ro', null, h('dt', null, x.azimuth), azimuth), h('div.ro', null, h('dt', null, x.elevation), elevation)] });
  /** @type {ReturnType<typeof import('../scan-live.js').makeLive>|null} */
  let live = null;
  /** @type {ReturnType<typeof import('../scan-idle.js').makeIdle>|null} */
  let idle = null;
  /** @type {Shot[]} */
  let planned = [];
  let plannedPass = '';
  /** @type {import('../pass.js').PassWatch|null} */
  let pass = null;
  let restore = found, over = false;
  let mode = '';
  let wantsTitle = false;
  let saidShare = -1;

  const actions = {
    take() { aside = null; draw(); },
    dismiss() { ended = null; draw(); },
    /** @param {Shot[]} shots @param {string} name */
    planned(shots, name) { planned = shots; plannedPass = name; if (mode === 'idle') { showPlan(); drawIdle(); } },
    started() { ended = null; aside = null; scrollTo({ top: 0 }); main.focus({ preventScroll: true }); },
  };

  const scanJob = () => { const job = store.scanJob(); return job && !(job.state === 'paused' && job.id === aside) ? job : undefined; };

  function showPlan() {
    dome.follow = false;
    dome.setShots(planned, {});
    put(box.note, plannedPass);
  }

  /** Builds what a mode needs; false while it is on its way. @param {'idle'|'scan'} next */
  function has(next) {
    if (next === 'idle' && modules.idle && !idle) {
      idle = modules.idle.makeIdle(actions);
      idle.deck.el.addEventListener('focusin', () => void load('scan'), { once: true }); // who fills in the form will press Start
    }
    if (next === 'scan' && modules.scan && !live) {
      live = modules.scan.makeLive();
      live.plot.addEventListener('choose', (/** @type {any} */ event) => { dome.choose(event.detail.shot); });
    }
    if (next === 'idle' ? idle : live) return true;
    void load(next).then(() => { if (!over) draw(); });
    return false;
  }

  const liveParts = () => (live ? [live.running.el, ...live.below] : []), idleParts = () => (idle ? [idle.card.el, idle.deck.el] : []);

  /** The parts that differ between before and during. @param {'idle'|'scan'} next */
  function switchTo(next) {
    if (next === mode) return;
    mode = next;
    const had = main.contains(document.activeElement), scan = next === 'scan';
    const [first, ...below] = scan ? liveParts() : idleParts();
    for (const el of [...liveParts(), ...idleParts()]) el.remove();
    main.prepend(first);
    main.append(...below);
    document.body.classList.toggle('scan-idle', !scan);
    document.body.classList.toggle('scan-busy', scan);
    box.legend(LEGENDS[next]);
    if (had && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    if (!scan) showPlan();
  }

  /** @param {Job} job */
  function watch(job) {
    if (pass && pass.session === job.session_id && pass.name === job.pass) return;
    pass?.close();
    pass = null;
    if (!job.session_id || !job.pass) return;
    const { session_id: session } = job;
    const mine = pass = watchPass(session, job.pass, change => { if (mine === pass) passChanged(change); });
    put(box.note, '');
    saidShare = -1;
    dome.setShots([]);
    dome.follow = true;
    live?.clear(session);
  }

  /** @param {'all'|'shot'|'now'} change */
  function passChanged(change) {
    if (!pass) return;
    const { session } = pass;
    if (change === 'all') {
      dome.setGeometry(geometryOf(pass.rig) ?? geometryOf(store.state?.rig));
      dome.setShots(pass.shots, { photo: shot => (shot.photo ? photoUrl(session, shot.photo, 'preview') : null) });
    } else if (change === 'shot') dome.touch(pass.touched);
    if (change !== 'now') { live?.show(pass); say(); }
    draw();
  }

  /** Every tenth of the scan, and at most every 10 s. */
  function say() {
    const job = scanJob();
    if (!job || job.state !== 'running') return;
    const { done, total, eta_s: left } = job.progress, share = Math.floor(10 * done / Math.max(1, total));
    if (share !== saidShare) { saidShare = share; shell.say(x.spoken(done, total, left === null ? '' : spoken(left))); }
  }

  function drawRig() {
    const rig = store.state?.rig, job = scanJob(), az = azimuthOf(rig), el = elevationOf(rig);
    put(azimuth, az === null ? '–' : degrees(az, 2));
    put(elevation, el === null ? '–' : degrees(el, 2));
    const now = job?.state === 'running' && pass ? pass.current : null;
    dome.setNow(now, now === null ? viewpointOf(rig) : null);
    preview.watch((rig?.cameras ?? []).map(camera => camera.name));
    preview.facts(job ? exposureFacts() : cameraFacts(rig?.cameras[0]));
  }

  /** How the last photo was exposed; the whole pass holds it. */
  function exposureFacts() {
    const last = modules.scan?.lastPhoto(pass);
    return last ? [x.facts.shutter(shutter(last.exposure_us)), x.facts.gain(number(last.gain, 1)), x.facts.locked, x.facts.size(last.width, last.height)] : [];
  }

  /** @param {import('../types.js').CameraRef|undefined} camera */
  const cameraFacts = camera => (camera?.width && camera.height ? [camera.model || camera.name, x.facts.auto, x.facts.size(camera.width, camera.height)] : []);

  function drawIdle() {
    const paused = aside ? store.job(aside) : undefined;
    idle?.card.show({ shots: planned, offer: paused && modules.idle ? modules.idle.offerOf(paused) : null, ended });
  }

  function draw() {
    const job = scanJob(), next = job ? 'scan' : 'idle';
    if (!has(next)) return;
    switchTo(next);
    if (job) {
      watch(job);
      live?.running.show(job, pass?.info ? pass : null);
    } else {
      pass?.close();
      pass = null;
      dome.setGeometry(geometryOf(store.state?.rig));
      idle?.deck.refresh();
      drawIdle();
    }
    drawRig();
    placeRestore();
    if (!job && wantsTitle) { wantsTitle = false; idle?.deck.focusTitle(); }
  }

  /** Shows what was interrupted: first when the rig is free, below the status card when a scan has it and others stand still. */
  function placeRestore() {
    const job = scanJob();
    if (!restore) return;
    restore.show({ but: job?.id ?? '' });
    const wanted = (restore.el.isConnected ? !restore.empty : restore.open > 0) && putOff !== store.boot && (job ? byRestart(job) || restore.interrupted() : !aside);
    const place = job ? 1 : 0;
    if (!wanted) restore.el.remove();
    else if (main.children[place] !== restore.el) main.insertBefore(restore.el, main.children[place]);
  }

  async function lookAgain() {
    const next = await findRestore();
    if (over) { next?.close(); return; }
    restore?.close();
    restore?.el.remove();
    restore = next;
    draw();
  }

  /** @param {URLSearchParams} query */
  function fresh(query) {
    if (!query.has('new')) return;
    history.replaceState(null, '', '/');
    const job = store.scanJob();
    if (job?.state === 'paused') aside = job.id;
    ended = null;
    wantsTitle = true;
    draw();
  }

  found = null;
  main.className = 'scan';
  main.append(preview, box.el);
  draw();
  fresh(params.query);

  const open = (/** @type {any} */ event) => { if (pass) shell.go(`/sessions/${encodeURIComponent(pass.session)}?shot=${encodeURIComponent(pass.name)}:${event.detail.shot}`); };
  dome.addEventListener('open', open);
  dome.addEventListener('choose', (/** @type {any} */ event) => { if (pass) live?.plot.choose(event.detail.shot); });
  const timer = setInterval(() => live?.running.tick(), 1000);
  const offs = [
    addKeys({ p: [() => { if (scanJob()) live?.running.pauseOrResume(); }, t.keys.pause] }),
    store.on('state', draw), store.on('link', draw), store.on('reset', lookAgain),
    store.on('shot_failed', (/** @type {any} */ event) => shell.urgent(x.shotFailed(event.shot, tidy(event.message)))),
    store.on('job_changed', (/** @type {any} */ event) => { const job = store.job(event.job_id); if (event.state === 'paused' && job) shell.urgent(`${x.states.paused}. ${reason(job).title}`); }),
    store.on('job_ended', (/** @type {Job} */ job) => { if (job.kind === 'scan') { shell.urgent((x.ended[job.state] ?? x.ended.completed)(job.title || x.untitled)); if (job.state === 'failed') void lookAgain(); } }),
  ];

  return {
    leave() {
      over = true;
      restore?.close();
      clearInterval(timer);
      offs.forEach(off => off());
      pass?.close();
      idle?.deck.leave();
      document.body.classList.remove('scan-idle', 'scan-busy');
    },
    changed: fresh,
  };
}

