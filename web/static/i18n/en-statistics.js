/* English texts of Statistics. */
const n = (/** @type {number} */ value, /** @type {string} */ one, /** @type {string} */ many) => `${value} ${value === 1 ? one : many}`;

/** @type {Record<string, string>} */
const spans = { 7: 'Week', 30: '30 days', 90: '90 days', 365: 'Year', all: 'All' };

export default {
  title: 'Statistics', range: 'Range', spans, notRead: 'The statistics could not be read.',
  from: (/** @type {string} */ day) => `since ${day}`, always: 'since the first scan',
  figures: { photos: 'Photos', scans: 'Passes', done: 'Completed', time: 'Time worked', rate: 'Photos an hour', again: 'Taken again', failures: 'Failures', size: 'Data' },
  photos: 'Photos', scans: 'Passes', per: /** @type {Record<string, string>} */ ({ day: 'a day', week: 'a week', month: 'a month' }),
  ofSessions: (/** @type {number} */ value) => `of ${n(value, 'session', 'sessions')}`, hours: (/** @type {string} */ hours) => `${hours} h`, share: (/** @type {string} */ percent) => `${percent} %`,
  plotLabel: (/** @type {string} */ what, /** @type {string} */ per) => `${what} ${per}`, most: (/** @type {string} */ value, /** @type {string} */ when) => `most ${value}, ${when}`, nothing: 'nothing in this range',
  value: (/** @type {string} */ when, /** @type {string} */ value, /** @type {string} */ what) => `${when}: ${value} ${what}`, units: { photos: 'photos', passes: 'passes' },
  weekOf: (/** @type {string} */ day) => `week of ${day}`, asTable: 'As a table', day: 'Day', week: 'Week of', month: 'Month',
  by: { by_preset: 'By preset', by_rig: 'By rig', by_operator: 'By operator' }, unnamed: /** @type {Record<string, string>} */ ({ by_preset: 'no preset', by_rig: 'no name', by_operator: 'nobody named' }),
  name: 'Name', rate: 'An hour',
  disk: 'Disk', diskLeft: (/** @type {string} */ size) => `${size} free`, forecast: (/** @type {string} */ scans) => `Room for about ${scans} more photos of this size.`, forecastDays: (/** @type {number} */ days) => `At this pace it is full in ${days < 60 ? n(days, 'day', 'days') : days < 730 ? `${Math.round(days / 30)} months` : `${Math.round(days / 365)} years`}.`, noForecast: 'Too little to tell how long it lasts.',
  downloads: 'CSV of all passes',
};
