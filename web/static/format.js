/* Numbers, times and sizes for people, by Intl.
 *
 *   bytes(61.3e9) '61.3 GB'   span(110) '1:50'   clock(date) '14:24:05'   day(date) 'today' | 'Fri 20 Nov'
 *   degrees(260.02, 2) '260.02°'   count(28940) '28,940'   ratio(1.014) '1.01'   shutter(8000) '1/125'   list(['a', 'b'])
 */
import { locale, t } from './i18n.js';

const plain = new Intl.NumberFormat(locale);
const fixed = [0, 1, 2].map(digits => new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }));
const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const hours = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayName = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short' });
const dayYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });
const zone = new Intl.DateTimeFormat(locale, { timeZoneName: 'short' });
const names = new Intl.ListFormat(locale, { type: 'conjunction' });

/** @param {number} value */
export const count = value => plain.format(value);
/** @param {number} value @param {number} [digits] */
export const number = (value, digits = 0) => fixed[digits].format(value);
/** @param {number} value @param {number} [digits] */
export const degrees = (value, digits = 1) => `${fixed[digits].format(value)}°`;
/** As many digits as the value has, at most one: 15° but 37.5°. @param {number} value */
export const angle = value => degrees(value, Math.abs(value - Math.round(value)) < 0.05 ? 0 : 1);
/** @param {number} value */
export const ratio = value => fixed[2].format(value);
/** @param {string[]} items */
export const list = items => names.format(items);

/** @param {number} value */
export function bytes(value) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let step = 0, rest = value;
  while (rest >= 999.5 && step < units.length - 1) { rest /= 1000; step += 1; }
  return `${fixed[step >= 3 && rest < 1000 ? 1 : 0].format(rest)} ${units[step]}`;
}

/** Seconds as 1:50 or 2:03:10. @param {number} seconds */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds)), two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Seconds in words, for speech. @param {number} seconds */
export function spoken(seconds) {
  const s = Math.max(0, Math.round(seconds)), m = Math.floor(s / 60);
  return m ? t.units.minutesSeconds(m, s % 60) : t.units.seconds(s);
}

/** @param {Date} date */
export const clock = date => time.format(date);
/** @param {Date} date */
export const shortClock = date => hours.format(date);
/** @param {Date} date */
export const zoneName = date => zone.formatToParts(date).find(part => part.type === 'timeZoneName')?.value ?? '';
/** @param {Date} date */
export const weekday = date => dayName.format(date);

/** today, yesterday, or a date. @param {Date} date @param {Date} [now] */
export function day(date, now = new Date()) {
  const from = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const days = Math.ceil((from - date.getTime()) / 86_400_000);
  if (days <= 0) return t.units.today;
  if (days === 1) return t.units.yesterday;
  return date.getFullYear() === now.getFullYear() ? dayName.format(date) : dayYear.format(date);
}

/** today 14:21, or only the date when it is long ago. @param {Date} date @param {Date} [now] */
export function when(date, now = new Date()) {
  const name = day(date, now);
  return now.getTime() - date.getTime() < 2 * 86_400_000 ? `${name} ${hours.format(date)}` : name;
}

/** An exposure time as on a camera. @param {number} us microseconds */
export const shutter = us => (us >= 500_000 ? number(us / 1e6, 1) : `1/${Math.round(1e6 / us)}`);
