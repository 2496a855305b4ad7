/* Scan: what the rig does now. Preview and dome stay where they are before, during and after a scan; the status card above and the
 * deck below change: the start form becomes last photos and sharpness.
 */
import { get, photoUrl, tidy } from '../api.js';
import { makeDeck } from '../deck.js';
import { domeBox, makeDome } from '../dome.js';
import { attr, h, put } from '../dom.js';
import { degrees, number, ratio, shutter, spoken } from '../format.js';
import { t } from '../i18n.js';
import { addKeys } from '../keys.js';
import { lastPhotos } from '../last-photos.js';
import { watchPass } from '../pass.js';
import { makePlot, pointsOf } from '../plot.js';
import { makePreview } from '../preview.js';
import { azimuthOf, elevationOf, geometryOf, viewpointOf } from '../rig.js';
import { idleCard, offerOf } from '../status-idle.js';
import { reason, runningCard } from '../status-running.js';
import { store } from '../store.js';

/** @typedef {import('../types.js').Job} Job  @typedef {import('../types.js').Shot} Shot */

const x = t.scan;
const LEGENDS = { idle: ['now', 'planned'], scan: ['saved', 'again', 'skipped', 'now', 'planned'] };

/** @type {Job|null} the scan that ended last, until somebody has noticed it; outlives the view */
let ended = null;
/** @type {string|null} a paused job that was put aside to start another */
let aside = null;
store.on('job_ended', (/** @type {Job} */ job) => { if (job.kind === 'scan' && job.session_id) ended = job; });

/** @param {HTMLElement} main @param {import('../app.js').Params} params @param {import('../app.js').Shell} shell @returns {import('../app.js').View} */
export function mount(main, params, shell) {
  const preview = makePreview(), dome = makeDome(), plot = makePlot();
  const azimuth = h('dd', { 'data-readout': 'azimuth' }, '\u00a0'), elevation = h('dd', { 'data-readout': 'elevation' }, '\u00a0');
  const box = domeBox(dome, { legend: LEGENDS.idle, readouts: [h('div.ro', null, h('dt', null, x.azimuth), azimuth), h('div.ro', null, h('dt', null, x.elevation), elevation)] });
  const running = runningCard(), idle = idleCard({ take: () => { aside = null; draw(); }, dismiss: () => { ended = null; draw(); } });
  const photos = lastPhotos();
  const plotLast = h('b.ink', null, '–'), plotAgain = h('b.ink', null, '0'), plotMissing = h('b.ink', null, '0');
  const againBox = h('span.nowrap.hide-p', null, plotAgain, ` ${x.takenAgain}`), missingBox = h('span.nowrap.hide-p', null, plotMissing, ` ${x.missing}`);
  const quality = h('section.pane.qual', { 'aria-label': x.sharpness }, h('div.pane-h', null, h('h2', null, x.sharpness), h('p', null, x.sharpnessOf), h('div.end.quiet', null, h('span', null, `${x.last} `, plotLast), againBox, missingBox)), plot);
  /** @type {Shot[]} */
  let planned = [];
  let plannedPass = '';
  /** @type {import('../pass.js').PassWatch|null} */
  let pass = null;
  /** @type {import('../status-idle.js').Offer|null} */
  let offer = null;
  let mode = '';
  let saidShare = -1;
  const ends = new AbortController();

  const deck = makeDeck({
    planned(shots, name) { planned = shots; plannedPass = name; if (mode === 'idle') { showPlan(); drawIdle(); } },
    started() { ended = null; aside = null; scrollTo({ top: 0 }); main.focus({ preventScroll: true }); },
  });

  const scanJob = () => { const job = store.scanJob(); return job && !(job.state === 'paused' && job.id === aside) ? job : undefined; };

  function showPlan() {
    dome.follow = false;
    dome.setShots(planned, {});
    put(box.note, plannedPass);
  }

  /** The parts that differ between before and during. @param {'idle'|'scan'} next */
  function switchTo(next) {
    if (next === mode) return;
    mode = next;
    const had = main.contains(document.activeElement);
    if (next === 'idle') {
      running.el.replaceWith(idle.el);
      photos.el.remove();
      quality.remove();
      main.prepend(idle.el);
      main.append(deck.el);
    } else {
      idle.el.remove();
      deck.el.remove();
      main.prepend(running.el);
      main.append(photos.el, quality);
    }
    document.body.classList.toggle('scan-idle', next === 'idle');
    document.body.classList.toggle('scan-busy', next === 'scan');
    box.legend(LEGENDS[next]);
    if (had && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    if (next === 'idle') { showPlan(); findOffer(); }
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
    photos.clear(session);
  }

  /** @param {'all'|'shot'|'now'} change */
  function passChanged(change) {
    if (!pass) return;
    const { session } = pass;
    if (change === 'all') {
      dome.setGeometry(geometryOf(pass.rig) ?? geometryOf(store.state?.rig));
      dome.setShots(pass.shots, { photo: shot => (shot.photo ? photoUrl(session, shot.photo, 'preview') : null) });
    } else if (change === 'shot') dome.touch(pass.touched);
    if (change !== 'now') { photos.show(pass); drawPlot(); say(); }
    draw();
  }

  function drawPlot() {
    if (!pass) return;
    const points = pointsOf(pass.shots, shot => pass?.photo(shot)), measured = points.filter(point => point.value !== null);
    plot.show({ points });
    const last = lastPhoto();
    put(plotLast, typeof last?.sharpness_relative === 'number' ? ratio(last.sharpness_relative) : '–');
    const again = points.filter(point => point.retaken), missing = points.filter(point => point.state === 'skipped' || point.state === 'failed');
    put(plotAgain, again.length);
    put(plotMissing, missing.length);
    attr(plotAgain, { class: again.length ? 'warn-t' : 'ink' });
    attr(plotMissing, { class: missing.length ? 'fault-t' : 'ink' });
    attr(quality, { 'data-measured': measured.length });
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
    const last = lastPhoto();
    return last ? [x.facts.shutter(shutter(last.exposure_us)), x.facts.gain(number(last.gain, 1)), x.facts.locked, x.facts.size(last.width, last.height)] : [];
  }

  /** @param {import('../types.js').CameraRef|undefined} camera */
  const cameraFacts = camera => (camera?.width && camera.height ? [camera.model || camera.name, x.facts.auto, x.facts.size(camera.width, camera.height)] : []);

  const lastPhoto = () => pass?.photos.get(pass.touched) ?? (pass ? [...pass.photos.values()].at(-1) : undefined);

  function drawIdle() {
    const paused = aside ? store.job(aside) : undefined;
    idle.show({ shots: planned, offer: paused ? offerOf(paused) : offer, ended });
  }

  function draw() {
    const job = scanJob();
    switchTo(job ? 'scan' : 'idle');
    if (job) {
      watch(job);
      running.show(job, pass?.info ? pass : null);
    } else {
      pass?.close();
      pass = null;
      dome.setGeometry(geometryOf(store.state?.rig));
      deck.refresh();
      drawIdle();
    }
    drawRig();
  }

  /** The newest pass somebody could go on with. */
  async function findOffer() {
    try {
      const answer = await get('/api/sessions/restorable', { signal: ends.signal });
      const found = (answer.items ?? answer).find((/** @type {any} */ item) => ['paused', 'failed'].includes(item.pass.state) && !item.session.active_job);
      offer = found ? { session: found.session.id, pass: found.pass.name, title: found.session.title, saved: found.pass.saved, shots: found.pass.shots, why: found.pass.pause ? tidy(found.pass.pause.message) : x.passWhy[found.pass.state] ?? '' } : null;
    } catch {
      offer = null; // an offer, nothing more: without it nothing is missing
    }
    if (mode === 'idle') drawIdle();
  }

  /** @param {URLSearchParams} query */
  function fresh(query) {
    if (!query.has('new')) return;
    history.replaceState(null, '', '/');
    const job = store.scanJob();
    if (job?.state === 'paused') aside = job.id;
    ended = null;
    draw();
    if (!scanJob()) deck.focusTitle();
  }

  main.className = 'scan';
  main.append(idle.el, preview, box.el, deck.el);
  mode = 'idle';
  document.body.classList.add('scan-idle');
  draw();
  fresh(params.query);

  const open = (/** @type {any} */ event) => { if (pass) shell.go(`/sessions/${encodeURIComponent(pass.session)}?shot=${encodeURIComponent(pass.name)}:${event.detail.shot}`); };
  dome.addEventListener('open', open);
  dome.addEventListener('choose', (/** @type {any} */ event) => { if (pass) plot.choose(event.detail.shot); });
  plot.addEventListener('choose', (/** @type {any} */ event) => { dome.choose(event.detail.shot); });
  const timer = setInterval(() => running.tick(), 1000);
  const offs = [
    addKeys({ p: [() => { if (scanJob()) running.pauseOrResume(); }, t.keys.pause] }),
    store.on('state', draw), store.on('link', draw), store.on('reset', findOffer),
    store.on('shot_failed', (/** @type {any} */ event) => shell.urgent(x.shotFailed(event.shot, tidy(event.message)))),
    store.on('job_changed', (/** @type {any} */ event) => { const job = store.job(event.job_id); if (event.state === 'paused' && job) shell.urgent(`${x.states.paused}. ${reason(job).title}`); }),
    store.on('job_ended', (/** @type {Job} */ job) => { if (job.kind === 'scan') { shell.urgent((x.ended[job.state] ?? x.ended.completed)(job.title || x.untitled)); findOffer(); } }),
  ];

  return {
    leave() {
      ends.abort();
      clearInterval(timer);
      offs.forEach(off => off());
      pass?.close();
      deck.leave();
      document.body.classList.remove('scan-idle', 'scan-busy');
    },
    changed: fresh,
  };
}

