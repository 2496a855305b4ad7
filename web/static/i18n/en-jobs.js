/* English texts of Jobs: what runs, what waits, who holds which pass, what was. */
const n = (/** @type {number} */ value, /** @type {string} */ one, /** @type {string} */ many) => `${value} ${value === 1 ? one : many}`;

/** @type {Record<string, string>} */
const kinds = { scan: 'scan', export: 'export', verify: 'verification', migrate: 'migration', import: 'import', reindex: 'new index' };
/** @type {Record<string, string>} */
const alone = { verify: 'Verify all sessions', migrate: 'Migrate old sessions', import: 'Import from a folder', reindex: 'Make the index anew', scan: 'Scan', export: 'Export' };
/** @type {Record<string, string>} */
const origins = { web: 'page', cli: 'command line', api: 'API' };

export default {
  title: 'Jobs', alone, kinds,
  kind: (/** @type {string} */ kind) => kinds[kind] ?? kind,
  from: (/** @type {string} */ origin) => { const [way, who] = origin.split(':'); return [who, origins[way] ?? way].filter(Boolean).join(', '); },
  /* active */
  nothing: 'Nothing runs.', nothingHint: 'A scan that is started, and everything made of its photos, shows here.', newScan: 'New scan',
  of: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${total}`, unit: (/** @type {string} */ unit) => unit, left: 'left', by: (/** @type {string} */ who) => `by ${who}`,
  pause: 'Pause', resume: 'Resume', cancel: 'Cancel…', cancelNow: 'Cancel',
  cancelTitle: (/** @type {string} */ title) => `Cancel ${title}?`, keep: 'Keep it',
  cancelScan: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${n(total, 'photo is', 'photos are')} saved and stay. To go on later, pause instead.`, doCancel: 'Cancel it',
  /* queue */
  queue: 'Queue', queueHint: 'One scan at a time. Drag, or move with the keys.', nothingWaits: 'Nothing waits.',
  move: (/** @type {string} */ title) => `Move ${title}`, moveHint: 'Space lifts it, the arrows move it, Space puts it down, Escape puts it back.',
  up: (/** @type {string} */ title) => `${title} one up`, down: (/** @type {string} */ title) => `${title} one down`, remove: (/** @type {string} */ title) => `Remove ${title}`,
  lifted: (/** @type {string} */ title, /** @type {number} */ at, /** @type {number} */ of) => `${title} lifted, place ${at} of ${of}`,
  movedTo: (/** @type {string} */ title, /** @type {number} */ at, /** @type {number} */ of) => `${title}, place ${at} of ${of}`,
  dropped: (/** @type {string} */ title, /** @type {number} */ at) => `${title} put down at place ${at}`,
  removed: (/** @type {string} */ title) => `${title} was taken out of the queue.`,
  photos: (/** @type {number} */ value) => n(value, 'photo', 'photos'), waitsFor: (/** @type {string} */ title) => `waits for ${title}`, waitsTurn: 'waits for its turn', nextUp: 'comes next',
  /* locks */
  locks: 'Locks', locksHeld: (/** @type {number} */ held, /** @type {number} */ silent) => (held ? `${n(held, 'pass held', 'passes held')}${silent ? `, ${silent} without a sign of life` : ''}` : 'no pass is held'),
  locksFailed: 'The locks could not be read.', noLocks: 'Who works on a pass holds its lock, here or on another scanner with the same data. It shows here, with its signs of life.',
  lockHeads: { pass: 'Pass', state: 'State', holder: 'Held by', since: 'Since', beats: 'Heartbeat, last 15 min', last: 'Last beat', action: 'Action' },
  beat: 'Heartbeat', own: 'this scanner', beatsSeen: (/** @type {number} */ seen) => `${n(seen, 'beat', 'beats')} seen in the last 15 minutes`, ago: (/** @type {number} */ s) => (s < 100 ? `${s} s ago` : `${Math.round(s / 60)} min ago`), noBeat: 'none seen yet',
  silence: (/** @type {number} */ s) => (s < 100 ? n(s, 'second', 'seconds') : n(Math.round(s / 60), 'minute', 'minutes')),
  release: 'Force release…', 
  releaseTitle: (/** @type {string} */ what, /** @type {string} */ who) => `Take the lock of ${what} from ${who}?`,
  releaseText: /** @type {Record<string, (who: string, silence: string) => string>} */ ({
    alive: who => `${who} works on it and gives signs of life: it would lose its pass in the middle. It stops before its next photo; nothing saved is lost.`,
    stale: (who, silence) => `Its heartbeat stands still${silence ? ` for ${silence}` : ''}. If ${who} still works on it, it stops before its next photo; nothing saved is lost.`,
    gone: who => `The work of ${who} has ended. Nothing saved is lost.`,
  }),
  releaseKept: 'Who did it and why is kept.', why: 'Why', whyHint: 'As in: Bench 3 has no power', whyMissing: 'Say why: the owner will want to know.',
  keepLock: 'Keep lock', doRelease: 'Force release', released: (/** @type {string} */ what, /** @type {string} */ who) => `${what} is free again. ${who} was forced out.`,
  /* history */
  history: 'History', which: 'What is listed', passes: 'Passes', jobs: 'Jobs of the last day', search: 'Search the history', searchHint: 'Title, pass, operator, preset', found: (/** @type {number} */ total) => n(total, 'pass', 'passes'), foundJobs: (/** @type {number} */ total) => n(total, 'job', 'jobs'),
  csv: 'CSV', json: 'JSON', downloadAs: (/** @type {string} */ what, /** @type {string} */ format) => `${what} as ${format}`, clear: 'Clear the list', cleared: 'The list of ended jobs is empty.', since: 'From', until: 'Until',
  passHeads: { pass: 'Pass', state: 'State', began: 'Began', took: 'Took', photos: 'Photos', rate: 'An hour', again: 'Again', failures: 'Failures', size: 'Size', who: 'Operator, host', preset: 'Preset' },
  jobHeads: { job: 'Job', state: 'State', origin: 'Origin', ended: 'Ended', took: 'Took', result: 'Result' },
  none: 'No pass was scanned yet.', noneFound: 'No pass fits the search.', noJobs: 'No job has ended in the last day.', notRead: 'The history could not be read.', more: 'Show more', newer: 'New passes', showNewer: 'Show them',
  resultPhotos: (/** @type {number} */ saved, /** @type {number} */ total) => (total && saved < total ? `${saved} of ${total} photos` : n(saved, 'photo', 'photos')), notes: (/** @type {number} */ value) => n(value, 'finding', 'findings'),
};
