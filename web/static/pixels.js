/* Measures on small pictures in the browser. Pure functions. */

/** @param {Uint8ClampedArray} data RGBA @param {number} at */
const luma = (data, at) => 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];

/** How sharp a picture is: the mean squared step between neighbours that far apart. Only ratios of it mean something. @param {ImageData} image @param {number} step px */
export function sharpness({ data, width, height }, step) {
  let sum = 0;
  for (let y = 0; y < height - step; y += step) {
    for (let x = 0; x < width - step; x += step) {
      const at = 4 * (y * width + x), here = luma(data, at);
      sum += (luma(data, at + 4 * step) - here) ** 2 + (luma(data, at + 4 * step * width) - here) ** 2;
    }
  }
  return sum / ((width / step) * (height / step));
}

/** The distribution of brightness as a path in a box of 128 x 32; square roots, so that small parts are seen. @param {Uint8ClampedArray} data RGBA */
export function histogramPath(data) {
  const bins = new Array(64).fill(0);
  for (let at = 0; at < data.length; at += 4) bins[Math.min(63, Math.floor(luma(data, at) / 4))] += 1;
  const most = Math.sqrt(Math.max(...bins, 1));
  return `M0 31${bins.map((n, x) => `L${2 * x} ${(31 - 29 * Math.sqrt(n) / most).toFixed(1)}`).join('')}L128 31Z`;
}
