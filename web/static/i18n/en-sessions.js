/* English texts of Sessions and of one session. */
const n = (/** @type {number} */ value, /** @type {string} */ one, /** @type {string} */ many) => `${value} ${value === 1 ? one : many}`;

/** @type {Record<string, string>} */
const filters = { all: 'All', incomplete: 'Unfinished', completed: 'Complete', cancelled: 'Cancelled', legacy: 'Legacy' };
/** @type {Record<string, string>} */
const sorts = { newest: 'Newest first', oldest: 'Oldest first', title: 'By title', size: 'Largest first' };
/** @type {Record<string, string>} */
const shotStates = { planned: 'planned', saved: 'saved', skipped: 'skipped', failed: 'failed', now: 'now' };
const NOTED = new Set(['failed', 'skipped']); // their word stands in the frame
/** @type {Record<string, string>} */
const plates = { planned: 'Not taken yet', skipped: 'Skipped', failed: 'Could not be taken', now: 'Being taken', saved: 'On its way' };
/** @type {Record<string, string>} */
const tools = { previous: 'Previous photo', next: 'Next photo', zoom: 'Zoom to full size', compare: 'Compare with neighbours', large: 'Large' };
/** @type {Record<string, string>} */
const readouts = { viewpoint: 'Viewpoint', sharpness: 'Sharpness', clipped: 'Clipped', exposure: 'Exposure' };
/** @type {Record<string, string>} */
const figures = { saved: 'Saved', again: 'Again', skipped: 'Skipped', time: 'Took', left: 'Left' };
/** @type {Record<string, string>} */
const kinds = { rings: 'Rings', fibonacci: 'Even spread', spiral: 'Spiral', grid: 'Grid', list: 'List' };

/** @type {Record<string, string>} */
const formats = { raspi_v2: 'raspi v2', raspi_v2_dual: 'raspi v2, two folders', openscan3: 'OpenScan3' };

/** A sentence of the daemon, standing alone. @param {string} text */
const sentence = text => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '');

export default {
  title: 'Sessions', filters, sorts, shotStates, plates, tools, readouts, figures,

  search: 'Search sessions', searchHint: 'Title, tag, note, label', filter: 'Filter', sort: 'Sort',
  found: (/** @type {number} */ total) => n(total, 'session found', 'sessions found'),
  shown: (/** @type {string} */ some, /** @type {string} */ total) => `${some} of ${total} shown.`,
  showMore: 'Show more', newOnes: 'New sessions',
  none: 'No sessions yet', noneHint: 'The first scan takes about four minutes.', newScan: 'New scan',
  noMatch: (/** @type {string} */ q) => `Nothing matches “${q}”`, noneSuch: 'No session is in this state',
  searchesIn: 'Search looks at titles, passes, tags, notes and labels.', clearSearch: 'Clear search',
  notRead: 'The sessions could not be read', notReadOne: 'The session could not be read', deleted: 'deleted',
  moreUnfinished: (/** @type {number} */ rest) => `${n(rest, 'more unfinished pass', 'more unfinished passes')}`,
  photosOf: (/** @type {number} */ value, /** @type {string} */ text) => `${text} ${value === 1 ? 'photo' : 'photos'}`,
  legacy: (/** @type {string} */ format) => `Legacy, ${format}`, format: (/** @type {string} */ format) => formats[format] ?? format, edit: 'Edit', trash: 'Trash',
  damaged: 'Damaged', skippedShots: (/** @type {number} */ value) => `${value} skipped`,

  pass: 'Pass', passes: 'Passes', addPass: 'Add pass', addTitle: 'Add a pass', addText: 'Another pass of this object: lay it on another side first, then the rig photographs it again.',
  passName: 'Name', nameHint: 'Small letters, digits and hyphens, as in flipped or side-2.', nameTaken: (/** @type {string} */ name) => `There is a pass ${name} already. Choose another name.`,
  planLike: 'Plan and camera as in', addAndStart: 'Add and start', noPlanKept: 'This session keeps no plan that could be repeated.',
  estimate: (/** @type {number} */ value, /** @type {string} */ time, /** @type {string} */ size) => `${n(value, 'photo', 'photos')}, about ${time}, ${size}`,
  passAdded: (/** @type {string} */ name) => `Pass ${name} added.`,
  ofShots: (/** @type {number} */ shots) => `of ${shots}`, dialUnit: (/** @type {number} */ saved, /** @type {number} */ shots) => (!saved ? 'planned' : saved < shots ? `of ${shots}` : 'saved'),
  dialLabel: (/** @type {string} */ name, /** @type {number} */ saved, /** @type {number} */ shots) => (saved >= shots ? `${name} complete` : saved ? `${name} ${saved} of ${shots}` : `${name} not begun`),
  waiting: (/** @type {number} */ at) => (at ? `Waits for the rig, place ${at} in the queue.` : 'Waits for its turn.'), begun: (/** @type {string} */ time) => `Began ${time}.`,
  stood: (/** @type {string} */ why, /** @type {boolean} */ byItself) => `${sentence(why)}${byItself ? ' Goes on by itself.' : ''}`,
  failedWhy: 'It ended with a fault.', plannedWhy: 'Not begun yet.',
  ended: (/** @type {string} */ time, /** @type {number} */ missing) => `Ended ${time}${missing > 0 ? `, without ${n(missing, 'photo', 'photos')}` : ''}.`.replace('  ', ' '),
  cancelledWhy: (/** @type {string} */ time) => `Given up ${time}. It can still be resumed.`.replace('  ', ' '),

  photo: 'Photo', photos: 'Photos', fullSize: 'Full photo', turn: 'Turn the object', dragHint: 'Drag to turn',
  ofPass: (/** @type {number} */ shots, /** @type {string} */ pass) => `of ${shots}, ${pass}`,
  turned: (/** @type {number} */ shot, /** @type {string} */ az, /** @type {string} */ el) => `Shot ${shot}, azimuth ${az}, elevation ${el}`,
  alt: (/** @type {number} */ shot, /** @type {string} */ az, /** @type {string} */ el) => `Shot ${shot}, azimuth ${az}, elevation ${el}`,
  plateAt: (/** @type {string} */ az, /** @type {string} */ el) => `planned at ${az} / ${el}`,
  noPicture: 'No picture', noPictureHint: 'The file could not be read.', sharp: (/** @type {string} */ value) => `sharpness ${value}`,
  frame: (/** @type {string} */ el, /** @type {string} */ state, /** @type {string} */ mark) => `elevation ${el}${NOTED.has(state) ? '' : `, ${shotStates[state] ?? state}`}${mark === 'again' ? ', taken again' : mark === 'soft' ? ', soft' : ''}`,
  band: (/** @type {string} */ from, /** @type {string} */ to) => `${from} to ${to}`,
  ring: (/** @type {number} */ saved, /** @type {number} */ shots, /** @type {number} */ again) => `${saved < shots ? `${saved} of ${n(shots, 'photo', 'photos')}` : n(shots, 'photo', 'photos')}${again ? `, ${again} taken again` : ''}`,
  keys: { previous: 'Photo before', next: 'Photo after', zoom: 'Zoom to full size', compare: 'Compare with neighbours' },

  chosen: 'Chosen', gap: 'Widest gap', prints: 'Prints',
  sharpness: 'Sharpness', plotNote: (/** @type {string} */ pass) => `${pass}, against the ring’s median`, plotLabel: 'Sharpness of each photo against the median of its ring',
  againList: (/** @type {string[]} */ shots) => (shots.length > 4 ? `${shots.length} taken again` : `${shots.join(', ')} taken again`),

  scanned: (/** @type {string} */ time) => `scanned ${time}`, scannedUnknown: 'nobody knows when', by: (/** @type {string} */ name) => `by ${name}`,
  photosAndBytes: (/** @type {number} */ value, /** @type {string} */ text, /** @type {string} */ size) => (value ? `${text} ${value === 1 ? 'photo' : 'photos'}, ${size}` : 'no photos yet'),
  download: 'Download', about: 'About', aboutId: 'Id', aboutPlan: 'Plan', aboutRig: 'Rig', aboutCamera: 'Camera',
  planWords: (/** @type {string} */ kind, /** @type {string[]} */ levels, /** @type {number} */ shots) => `${kinds[kind] ?? kind}${kind === 'rings' && levels.length ? ` ${levels.join(', ')}` : ''}, ${n(shots, 'shot', 'shots')}`,
  damageTitle: (/** @type {string[]} */ damage) => ['Something is wrong with its files.', ...damage.map(text => `${text}.`)].join(' '),
  goneTitle: 'This session is not there', goneText: 'It was deleted, or the address is wrong.', allSessions: 'All sessions',

  exports: 'Exports', exporting: 'Export', exportColmap: 'Export COLMAP', exportingOf: (/** @type {number} */ done, /** @type {number} */ total) => `Exporting ${done} of ${total}`,
  exportProgress: (/** @type {string} */ state, /** @type {number} */ done, /** @type {number} */ total) => (state === 'pending' ? 'Waits for its turn.' : `${done} of ${total} photos`),
  exportDone: (/** @type {string} */ time) => `Poses from the plan${time ? `, made ${time}` : ''}.`, exportNone: 'Not made yet.',
  exportMade: 'The COLMAP export is ready.', exportFailed: 'The export failed.', noPhotosYet: 'There is no photo to export yet',
  make: 'Make', makeAgain: 'Make again', get: 'Get',
};
