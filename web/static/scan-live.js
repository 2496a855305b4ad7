/* The parts of the Scan view while a scan has the rig: status card, last photos, sharpness. Loaded when the first scan is shown.
 *
 *   const live = makeLive(); live.running (status-running.js); live.below: what stands below preview and dome
 *   live.clear(session)   live.show(pass)   live.plot
 */
import { attr, h, put } from './dom.js';
import { ratio } from './format.js';
import { lastPhotos } from './last-photos.js';
import { makePlot, pointsOf } from './plot.js';
import { runningCard } from './status-running.js';
import { t } from './i18n.js';

const x = t.scan;

/** The photo that was saved last. @param {import('./pass.js').PassWatch|null} pass */
export const lastPhoto = pass => pass?.photos.get(pass.touched) ?? (pass ? [...pass.photos.values()].at(-1) : undefined);

export function makeLive() {
  const running = runningCard(), photos = lastPhotos(), plot = makePlot();
  const last = h('b.ink', null, '–'), again = h('b.ink', null, '0'), missing = h('b.ink', null, '0');
  const quality = h('section.pane.qual', { 'aria-label': x.sharpness }, h('div.pane-h', null, h('h2', null, x.sharpness), h('p', null, x.sharpnessOf),
    h('div.end.quiet', null, h('span', null, `${x.last} `, last), h('span.nowrap.hide-p', null, again, ` ${x.takenAgain}`), h('span.nowrap.hide-p', null, missing, ` ${x.missing}`))), plot);

  /** @param {import('./pass.js').PassWatch} pass */
  function drawPlot(pass) {
    const points = pointsOf(pass.shots, shot => pass.photo(shot)), newest = lastPhoto(pass);
    plot.show({ points });
    put(last, typeof newest?.sharpness_relative === 'number' ? ratio(newest.sharpness_relative) : '–');
    const retaken = points.filter(point => point.retaken), lost = points.filter(point => point.state === 'skipped' || point.state === 'failed');
    put(again, retaken.length);
    put(missing, lost.length);
    attr(again, { class: retaken.length ? 'warn-t' : 'ink' });
    attr(missing, { class: lost.length ? 'fault-t' : 'ink' });
    attr(quality, { 'data-measured': points.filter(point => point.value !== null).length });
  }

  return {
    running, plot, below: [photos.el, quality],
    /** @param {string} session */
    clear(session) { photos.clear(session); },
    /** @param {import('./pass.js').PassWatch} pass */
    show(pass) { photos.show(pass); drawPlot(pass); },
  };
}
