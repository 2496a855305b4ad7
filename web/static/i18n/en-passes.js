/* English texts about going on with a pass, and about who works on it. */
const n = (/** @type {number} */ value, /** @type {string} */ one, /** @type {string} */ many) => `${value} ${value === 1 ? one : many}`;

/** @type {Record<string, string>} */
const states = { planned: 'Planned', pending: 'Waiting', running: 'Running', paused: 'Paused', interrupted: 'Interrupted', completed: 'Completed', cancelled: 'Cancelled', failed: 'Failed' };
/** @type {Record<string, string>} */
const pausedBy = { user: 'paused by hand', guard: 'held up', restart: 'interrupted by a restart', fault: 'stopped by a fault', operator: 'waits for a person' };
/** @type {Record<string, string>} */
const lockStates = { alive: 'alive', stale: 'stale', gone: 'gone' };

export default {
  states, pausedBy, lockStates,
  unfinished: 'Unfinished', watch: 'Watch the scan',
  resume: (/** @type {number} */ left) => `Resume, ${n(left, 'photo', 'photos')}`, begin: (/** @type {number} */ shots) => `Start, ${n(shots, 'photo', 'photos')}`,
  turnedObject: 'Object is turned', finish: 'Finish as it is', cancelMore: 'Cancel…', pause: 'Pause',
  passOf: (/** @type {string} */ name, /** @type {number} */ at, /** @type {number} */ of) => `${name}, pass ${at} of ${of}`,
  cancelTitle: (/** @type {string} */ name) => `Cancel the pass ${name}?`,
  cancelText: (/** @type {number} */ saved, /** @type {number} */ shots, /** @type {string} */ later) => `${saved} of ${n(shots, 'photo is', 'photos are')} saved and stay. The pass counts as given up${later ? `, and so does ${later}, which would come next` : ''}.`,
  cancelPass: 'Cancel pass', keepPass: 'Keep it', keepScanning: 'Keep scanning', pauseInstead: 'Pause instead',
  queued: (/** @type {number} */ at) => `Waits for the rig, place ${at} in the queue.`,

  damagedPhotos: (/** @type {number} */ value) => `${n(value, 'photo was', 'photos were')} damaged or missing and will be taken again.`,
  lostPhotos: (/** @type {number} */ value, /** @type {boolean} */ old, /** @type {boolean} */ came) => `${n(value, 'photo is', 'photos are')} damaged or missing.${came ? ` ${old ? 'Once migrated, ' : ''}“Verify” opens the pass to take ${value === 1 ? 'it' : 'them'} again.` : ''}`,
  /* restore */
  restoreTitle: (/** @type {number} */ value) => `${n(value, 'pass is', 'passes are')} unfinished`, restoreMore: (/** @type {number} */ value) => `${n(value, 'more pass is', 'more passes are')} unfinished`,
  restoreDone: 'Nothing is unfinished any more', restoreText: 'Everything that was saved is safe. Go on with each of them, end it with what is there, or give it up.',
  putOff: 'Not now', restoreAll: (/** @type {number} */ rest) => `${n(rest, 'more', 'more')} in Sessions`, restoreLabel: (/** @type {string} */ title, /** @type {string} */ pass) => `${title}, ${pass}`,
  now: /** @type {Record<string, string>} */ ({ completed: 'Completed now.', cancelled: 'Given up now.', running: 'Works now.', pending: 'Waits for the rig.' }), gone: 'The session is no longer there.',
  /* locks */
  heldBy: (/** @type {string} */ who, /** @type {string} */ host) => [who, host].filter(Boolean).join(' on '), notLocked: 'not locked',
  cutOff: (/** @type {string} */ who) => `${who ? `The scanner of ${who}` : 'Its scanner'} ended while it worked on it.`,
  worksOn: (/** @type {string} */ who) => `${who} works on it.`, heldStale: (/** @type {string} */ who) => `${who} holds it, but gives no sign of life.`, toLocks: 'See its lock',
};
