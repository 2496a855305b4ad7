/* The dome's marks: saved = filled disc, taken again = disc in ring, skipped = cross, planned = hollow, now = reticle. */

/** @typedef {CanvasRenderingContext2D} G  @typedef {import('./projection.js').Point} Point */
/** @typedef {{ink: string, ink2: string, accent: string, fault: string, bg: string, font: string}} Colours */

/** @param {G} g @param {Colours} c @param {import('./types.js').Shot} shot @param {Point} v @param {number} r @param {boolean} back behind the middle @param {boolean} many */
export function dot(g, c, shot, v, r, back, many) {
  const saved = shot.state === 'saved';
  g.beginPath();
  g.arc(v[0], v[1], !saved && many ? 1 : r, 0, 7);
  if (saved) {
    g.lineWidth = many ? 1 : 2.5;
    g.strokeStyle = c.bg;
    g.stroke();
    g.fillStyle = c.accent;
    g.fill();
  } else {
    g.globalAlpha *= 0.8;
    g.fillStyle = many ? c.ink2 : c.bg;
    g.fill();
    if (many) return;
    g.globalAlpha = back ? 0.45 : 0.95;
    g.lineWidth = 1.25;
    g.strokeStyle = c.ink2;
    g.stroke();
  }
  if (!shot.retaken) return;
  g.strokeStyle = c.accent;
  g.lineWidth = 1;
  g.beginPath();
  g.arc(v[0], v[1], r + 3, 0, 7);
  g.stroke();
}

/** Drawn twice: first wide in the screen's colour, so that it stands off what lies under it. @param {G} g @param {string} under @param {string} colour @param {number} width @param {() => void} path */
function twice(g, under, colour, width, path) {
  g.lineWidth = width + 3;
  g.strokeStyle = under;
  path();
  g.lineWidth = width;
  g.strokeStyle = colour;
  path();
}

/** @param {G} g @param {Colours} c @param {Point} v @param {number} r */
export function cross(g, c, v, r) {
  twice(g, c.bg, c.fault, 2, () => {
    g.beginPath();
    g.moveTo(v[0] - r, v[1] - r);
    g.lineTo(v[0] + r, v[1] + r);
    g.moveTo(v[0] + r, v[1] - r);
    g.lineTo(v[0] - r, v[1] + r);
    g.stroke();
  });
}

/** @param {G} g @param {Colours} c @param {Point} v */
export function reticle(g, c, v) {
  const r = 9;
  twice(g, c.bg, c.ink, 2, () => {
    g.beginPath();
    g.arc(v[0], v[1], r, 0, 7);
    for (const [a, b] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      g.moveTo(v[0] + a * (r - 4), v[1] + b * (r - 4));
      g.lineTo(v[0] + a * (r + 5), v[1] + b * (r + 5));
    }
    g.stroke();
  });
  g.fillStyle = c.ink;
  g.beginPath();
  g.arc(v[0], v[1], 2.5, 0, 7);
  g.fill();
}
