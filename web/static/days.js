/* Figures by day put into bars: every day of the range has one, empty ones too; long ranges are summed up by week or month.
 * Days are those of UTC, as the daemon counts them. Pure functions.
 *
 *   dayOf(date) '2026-11-20'    addDays('2026-11-20', -6)
 *   group(days, first, last) -> {per: 'day'|'week'|'month', bins: [{from, sums}]}
 */

/** @typedef {import('./types.js').Tally} Tally */
/** @typedef {{from: string, photos: number, passes: number}} Bin */

const DAYS = 92, WEEKS = 760; // ranges up to so many days are drawn by day, by week

/** @param {Date} date */
export const dayOf = date => date.toISOString().slice(0, 10);

/** @param {string} day @param {number} by */
export function addDays(day, by) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + by);
  return dayOf(date);
}

/** @param {string} first @param {string} last @returns {number} */
export const daysBetween = (first, last) => Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000) + 1;

/** The day its week (from Monday) or month begins with. @param {string} day @param {string} per */
function startOf(day, per) {
  if (per === 'month') return `${day.slice(0, 7)}-01`;
  if (per === 'day') return day;
  return addDays(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));
}

/** @param {string} day @param {string} per */
function next(day, per) {
  if (per === 'month') return startOf(addDays(day, 32), 'month');
  return addDays(day, per === 'day' ? 1 : 7);
}

/** @param {readonly Tally[]} days @param {string} first @param {string} last @returns {{per: 'day'|'week'|'month', bins: Bin[]}} */
export function group(days, first, last) {
  const long = daysBetween(first, last), per = long <= DAYS ? 'day' : long <= WEEKS ? 'week' : 'month';
  /** @type {Map<string, Bin>} */
  const bins = new Map();
  for (let at = startOf(first, per); at <= last; at = next(at, per)) bins.set(at, { from: at, photos: 0, passes: 0 });
  for (const day of days) {
    const bin = bins.get(startOf(day.key, per));
    if (bin) { bin.photos += day.photos; bin.passes += day.passes; }
  }
  return { per, bins: [...bins.values()] };
}
