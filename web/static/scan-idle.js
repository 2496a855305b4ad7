/* The parts of the Scan view while no scan has the rig: status card and start form. Loaded when the rig is first seen free.
 *
 *   const idle = makeIdle({take, dismiss, planned, started}); idle.card (status-idle.js); idle.deck (deck.js)
 */
import { makeDeck } from './deck.js';
import { idleCard } from './status-idle.js';

/** @param {Parameters<typeof idleCard>[0] & Parameters<typeof makeDeck>[0]} actions */
export const makeIdle = ({ take, dismiss, planned, started }) => ({ card: idleCard({ take, dismiss }), deck: makeDeck({ planned, started }) });
