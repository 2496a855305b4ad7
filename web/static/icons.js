/* The icons, 20 x 20, stroke 1.5. `drawIcon(name)` gives [tag, attributes] pairs; use icon() of dom.js. */

/** @type {Record<string, string>} */
const PATHS = {
  scan: 'M2.5 15a7.5 7.5 0 0 1 15 0M2.5 15c0 1.4 3.4 2.5 7.5 2.5s7.5-1.1 7.5-2.5M10 7.5V4M9 3a1 1 0 1 0 2 0a1 1 0 1 0-2 0M3 8.2a1 1 0 1 0 2 0a1 1 0 1 0-2 0M15 8.2a1 1 0 1 0 2 0a1 1 0 1 0-2 0',
  sessions: 'M3 3.5h6v6H3zM11 3.5h6v6h-6zM3 11.5h6v5H3zM11 11.5h6v5h-6z',
  jobs: 'M3 5h9M3 10h9M3 15h5M15 8.5v7m0 0-2.5-2.5M15 15.5l2.5-2.5',
  statistics: 'M3 17h14M5 14v-4M9 14V6M13 14V8.5M16.5 14V4',
  keys: 'M2.5 5h15v10h-15zM5.5 8h.1M8.5 8h.1M11.5 8h.1M14.5 8h.1M6.5 12h7',
  check: 'm4 10.5 4 4 8-9', x: 'M5 5l10 10M15 5L5 15', plus: 'M10 4v12M4 10h12', minus: 'M4 10h12',
  warn: 'M10 3 18 17H2zM10 8v4.2M10 14.6v.1', play: 'M6 4l10 6-10 6z',
  bad: 'M2.5 10a7.5 7.5 0 1 0 15 0a7.5 7.5 0 1 0-15 0m4.800-2.700 5.400 5.400m0-5.400-5.400 5.400',
  info: 'M2.5 10a7.5 7.5 0 1 0 15 0a7.5 7.5 0 1 0-15 0M10 9v5M10 6.200v.1',
  plug: 'M7 2.5V7M13 2.5V7M5 7h10v3a5 5 0 0 1-10 0zM10 15v3',
  grid: 'M3 3h14v14H3zM7.7 3v14M12.3 3v14M3 7.7h14M3 12.3h14',
  zoom: 'M3.5 8.5a5 5 0 1 0 10 0a5 5 0 1 0-10 0M12.3 12.3 17 17M8.5 6.5v4M6.5 8.5h4',
  search: 'M3.5 8.5a5 5 0 1 0 10 0a5 5 0 1 0-10 0M12.3 12.3 17 17',
  hist: 'M3 17h14M3 17c2 0 2-9 4-9s2 5 3.5 5S12.5 4 14 4s1.5 13 3 13',
  full: 'M3 7.5V3h4.5M12.5 3H17v4.5M17 12.5V17h-4.5M7.5 17H3v-4.5',
  left: 'M12.5 4.5 7 10l5.5 5.5', right: 'M7.5 4.5 13 10l-5.5 5.5',
  compare: 'M3 4h6v12H3zM11 4h6v12h-6z', again: 'M4 10a6 6 0 1 1 2 4.5M4 10l-1.5-2.5M4 10l2.5-1.5',
  busy: 'M10 3a7 7 0 1 0 7 7',
  down: 'M10 3v10m0 0-4-4m4 4 4-4M3.5 17h13', box: 'm10 2.5 7 3.5v8l-7 3.5L3 14V6zM3 6l7 3.5L17 6M10 9.5v8',
  trash: 'M4 5.500h12M8 5.500V3.500h4v2M5.500 5.500l.8 11h7.400l.8-11M8.500 8.500v5M11.500 8.500v5',
  lock: 'M4.5 9h11v8h-11zM7 9V6.5a3 3 0 0 1 6 0V9', open: 'M4.5 9h11v8h-11zM7 9V6.5a3 3 0 0 1 5.6-1.5', flag: 'M5 17.5v-14M5 4h9.500l-2 3.500 2 3.500H5',
  edit: 'M4 16l.8-3.200 8.700-8.700a1.400 1.400 0 0 1 2 0l.4.4a1.400 1.400 0 0 1 0 2L7.200 15.200zM12 5.600l2.400 2.400', undo: 'M7 4 3.5 7.5 7 11M3.5 7.5h8a4.5 4.5 0 0 1 0 9H7',
  up: 'M10 16V4m0 0L5.5 8.5M10 4l4.5 4.5', lower: 'M10 4v12m0 0 4.5-4.5M10 16l-4.5-4.5', shield: 'M10 2.500 16 5v5c0 4-2.500 6.500-6 7.500-3.500-1-6-3.500-6-7.500V5zM7.200 10l2 2 3.600-4',
  person: 'M6.7 6.5a3.3 3.3 0 1 0 6.600 0a3.3 3.3 0 1 0-6.600 0M3.5 17c.4-3.600 2.900-5.500 6.500-5.500s6.100 1.900 6.500 5.500',
  list: 'M3 4.5h14M3 10h14M3 15.5h14',
  home: 'M3 9.500 10 3.500l7 6M5 8v8.500h10V8M8.500 16.500v-5h3v5',
  turn: 'M3.5 12.500c0 1.900 2.900 3.500 6.500 3.500s6.500-1.600 6.500-3.500S13.600 9 10 9M10 9l3-3M10 9l3 3', eye: 'M2 10c2-3.500 4.700-5 8-5s6 1.500 8 5c-2 3.500-4.700 5-8 5s-6-1.500-8-5zM8 10a2 2 0 1 0 4 0a2 2 0 1 0-4 0',
};

/** Icons with more than one stroke. @type {Record<string, Array<[string, Record<string, string>]>>} */
const DRAWN = {
  grip: [['path', { d: 'M7.5 4.5v.1M12.5 4.5v.1M7.5 10v.1M12.5 10v.1M7.5 15.5v.1M12.5 15.5v.1', 'stroke-width': '2.5' }]],
  pause: [['path', { d: 'M6.5 4v12M13.5 4v12', 'stroke-width': '2.5' }]],
  theme: [['circle', { cx: '10', cy: '10', r: '7' }], ['path', { d: 'M10 3a7 7 0 0 1 0 14z', fill: 'currentColor' }]],
  stop: [['path', { class: 'oct', d: 'M7 2.5h6L17.5 7v6L13 17.5H7L2.5 13V7z' }], ['path', { class: 'sq', d: 'M7 7h6v6H7z' }]],
};

/** @param {string} name @returns {Array<[string, Record<string, string>]>} */
export const drawIcon = name => DRAWN[name] ?? [['path', { d: PATHS[name] ?? PATHS.info }]];
