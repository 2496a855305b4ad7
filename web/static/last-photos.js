/* The photos saved last, newest first. `photos.show(pass)`, `photos.clear(session)`. */
import { photoUrl } from './api.js';
import { attr, h, icon, put } from './dom.js';
import { angle, ratio } from './format.js';
import { t } from './i18n.js';

const SHOWN = 4, ON_PHONE = 8;

const x = t.scan;

export function lastPhotos() {
  const all = h('a', { href: '/sessions', 'aria-label': x.lastPhotos }, '\u00a0'), slots = Array.from({ length: matchMedia('(max-width: 720px)').matches ? ON_PHONE : SHOWN }, slot), tiles = h('div.tiles', { tabindex: 0, role: 'group', 'aria-label': x.lastPhotos }, slots.map(place => place.el));
  const el = h('section.pane.last', { 'aria-label': x.lastPhotos }, h('div.pane-h', null, h('h2', null, x.lastPhotos), h('p.end', null, all)), tiles);

  /** A place in the strip; what it shows changes, it does not move. */
  function slot() {
    const image = h('img', { width: 240, height: 180, alt: '' }), mark = h('span.mark', { hidden: true }, icon('again', 'sm'), x.again), link = h('a', { href: '/sessions', hidden: true }, image, mark);
    const parts = [h('b', null, '\u00a0'), h('span'), h('span')];
    return { el: h('figure.ph', null, link, h('span.blank'), h('figcaption', null, parts)), link, image, mark, parts };
  }

  /** @param {ReturnType<typeof slot>} place @param {string} session @param {import('./types.js').Photo|undefined} photo @param {boolean} again */
  function fill({ el: figure, link, image, mark, parts: [shot, where, sharp] }, session, photo, again) {
    attr(link, { hidden: !photo });
    attr(figure.querySelector('.blank'), { hidden: Boolean(photo) });
    if (!photo) { put(shot, '\u00a0'); put(where, ''); put(sharp, ''); return; }
    attr(link, { href: `/sessions/${encodeURIComponent(session)}?shot=${encodeURIComponent(photo.pass)}:${photo.shot}` });
    attr(image, { src: photoUrl(session, photo.name, 'thumb'), alt: x.photoAlt(photo.shot, angle(photo.azimuth), angle(photo.elevation)) });
    attr(mark, { hidden: !again });
    put(shot, photo.shot);
    put(where, `${angle(photo.azimuth)} / ${angle(photo.elevation)}`);
    put(sharp, photo.sharpness_relative === null ? '' : x.sharp(ratio(photo.sharpness_relative)));
  }

  /** @param {string} session @param {import('./types.js').Photo[]} photos @param {(shot: number) => boolean} again */
  function draw(session, photos, again) {
    slots.forEach((place, n) => fill(place, session, photos[n], Boolean(photos[n]) && again(photos[n].shot)));
    slots[0].el.classList.toggle('new', photos.length > 0);
  }

  return {
    el,
    /** @param {string} session */
    clear(session) {
      put(all, '\u00a0');
      attr(all, { href: `/sessions/${encodeURIComponent(session)}`, 'aria-label': x.lastPhotos });
      draw(session, [], () => false);
    },
    /** @param {import('./pass.js').PassWatch} pass */
    show(pass) {
      const newest = [...pass.photos.values()].sort((a, b) => (a.taken_at < b.taken_at ? 1 : -1)).slice(0, slots.length);
      put(all, pass.photos.size ? x.all(pass.photos.size) : '');
      attr(all, { 'aria-label': pass.photos.size ? null : x.lastPhotos });
      draw(pass.session, newest, shot => Boolean(pass.shot(shot)?.retaken));
    },
  };
}
