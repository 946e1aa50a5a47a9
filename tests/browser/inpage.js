// inpage.js - what check.py asks a page about itself: overflow, contrast, names, structure.
(() => {
  const luminance = ([r, g, b]) => {
    const f = (v) => (v /= 255, v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const colour = (s) => {
    const m = s && s.match(/rgba?\(([^)]*)\)/);
    if (!m) return null;
    const v = m[1].split(/[ ,/]+/).map(Number);
    return v.length > 3 ? v : [...v, 1];
  };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const paper = () => colour(getComputedStyle(document.body).backgroundColor).slice(0, 3);

  // All colours that may lie behind an element of HTML: gradients have several.
  const behind = (element) => {
    let layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e), back = colour(style.backgroundColor);
      const stops = (style.backgroundImage.match(/rgba?\([^)]*\)/g) || []).map(colour);
      layers.push([...stops.filter((c) => c[3] > 0.9), ...(back && back[3] > 0 ? [back] : [])]);
      if (back && back[3] === 1) break;
    }
    layers = layers.filter((l) => l.length);
    const base = layers.length ? layers.pop().map((c) => c.slice(0, 3)) : [paper()];
    let found = [base[base.length - 1], ...base];
    for (const l of layers.reverse()) found = found.concat(l.map((c) => over(c, found[0])));
    return found;
  };
  // What is painted behind a text of a drawing: the topmost shape there.
  const behindText = (text, box) => {
    const svg = text.ownerSVGElement;
    const shapes = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2)
      .filter((e) => svg.contains(e) && /^(rect|circle|path|polygon)$/.test(e.tagName));
    let found = behind(svg.parentElement);
    const stack = [];
    for (const e of shapes) {
      const style = getComputedStyle(e), fill = colour(style.fill);
      if (!fill || style.fill === 'none') continue;
      fill[3] *= Number(style.fillOpacity) * Number(style.opacity);
      stack.push(fill);
      if (fill[3] === 1) break;
    }
    for (const fill of stack.reverse()) found = [over(fill, found[0])];
    return found;
  };
  const visible = (e) => e.checkVisibility ? e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) : true;

  window.__checks = {
    overflow: () => document.scrollingElement.scrollWidth - innerWidth,
    sticksOut: () => [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
      .slice(0, 3).map((e) => e.outerHTML.slice(0, 80)),
    // What reaches beyond an element that hides it; scrolls: no table has to be scrolled, either.
    cutOff: (scrolls) => [...document.querySelectorAll('main *')].filter((e) => {
      const style = getComputedStyle(e), x = style.overflowX;
      return e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && style.textOverflow !== 'ellipsis' &&
        (x === 'hidden' || x === 'clip' || (scrolls && x === 'auto' && e.matches('.table') && !e.closest('figure'))) && visible(e);
    }).slice(0, 3).map((e) => 'cut off: ' + e.outerHTML.slice(0, 80)),
    fills: () => [...document.querySelectorAll('.tiles b, .tiles small')].filter((e) => {
      const tile = e.closest('div');
      return e.getBoundingClientRect().right > tile.getBoundingClientRect().right -
        parseFloat(getComputedStyle(tile).paddingRight) + 1;
    }).map((e) => 'wider than its tile: ' + e.textContent),
    // Words of a table that are broken although they are short.
    torn: () => {
      const faults = [], range = document.createRange();
      for (const cell of document.querySelectorAll('main td, main th')) {
        const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        for (let node; (node = walk.nextNode());)
          for (const m of node.textContent.matchAll(/[\p{L}\p{N}]{2,12}(?![\p{L}\p{N}])/gu)) {
            if (m.index && /[\p{L}\p{N}]/u.test(node.textContent[m.index - 1])) continue;
            range.setStart(node, m.index);
            range.setEnd(node, m.index + m[0].length);
            if (new Set([...range.getClientRects()].map((r) => Math.round(r.top))).size > 1)
              faults.push('torn: "' + m[0] + '" in "' + node.textContent.trim().slice(0, 40) + '"');
          }
      }
      return faults.slice(0, 3);
    },
    contrast: () => {
      const faults = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node; (node = walk.nextNode());) {
        const e = node.parentElement, words = node.textContent.trim();
        if (!words || /^(SCRIPT|STYLE|TITLE|DESC|OPTION)$/i.test(e.tagName) || !visible(e)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const box = range.getBoundingClientRect();
        if (!box.width || box.right < 0) continue;
        const style = getComputedStyle(e), drawn = e instanceof SVGElement;
        const ink = colour(drawn ? style.fill : style.color);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        const backs = drawn ? behindText(e, box) : behind(e);
        const least = Math.min(...backs.map((b) => contrast(over(ink, b), b)));
        if (least < (large ? 3 : 4.5))
          faults.push(least.toFixed(2) + ' for "' + words.slice(0, 40) + '" (' + e.tagName + '.' + (e.getAttribute('class') || '') + ')');
      }
      return faults;
    },
    structure: () => {
      const faults = [], all = (s) => [...document.querySelectorAll(s)];
      if (!document.documentElement.lang) faults.push('html has no lang');
      if (!document.title.trim()) faults.push('no title');
      if (all('h1').length !== 1) faults.push(all('h1').length + ' h1');
      if (all('main').length !== 1) faults.push(all('main').length + ' main');
      let last = 0;
      for (const h of all('h1,h2,h3,h4,h5,h6')) {
        const level = Number(h.tagName[1]);
        if (level > last + 1) faults.push('h' + level + ' after h' + last + ': ' + h.textContent.slice(0, 40));
        last = level;
      }
      const ids = all('[id]').map((e) => e.id);
      for (const id of new Set(ids.filter((v, i) => ids.indexOf(v) !== i))) faults.push('id ' + id + ' twice');
      for (const a of all('a[href^="#"]'))
        if (!document.getElementById(decodeURIComponent(a.hash.slice(1)))) faults.push('no ' + a.hash);
      for (const f of all('figure')) {
        if (!f.getAttribute('aria-label') && !f.querySelector('figcaption')) faults.push('a figure without a name');
        for (const svg of f.querySelectorAll('.drawing>svg'))
          if (!svg.querySelector('title') && !svg.getAttribute('aria-label')) faults.push('a drawing without a name');
      }
      for (const e of all('[onclick],[onload],[onerror],[onmouseover],[onfocus]')) faults.push('a handler in the markup: ' + e.outerHTML.slice(0, 60));
      return faults;
    },
  };
})();
