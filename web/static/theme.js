/* The theme, before the first paint: loaded in the head, neither deferred nor a module. Without a choice the system decides. */
(() => {
  const root = document.documentElement;
  const keep = (/** @type {string} */ theme) => { try { localStorage.setItem('theme', theme); } catch { /* private mode: for this page only */ } };
  let theme = null;
  try { theme = localStorage.getItem('theme'); } catch { /* private mode: the system decides */ }
  if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;
  addEventListener('themeswitch', () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    keep(root.dataset.theme);
  });
})();
