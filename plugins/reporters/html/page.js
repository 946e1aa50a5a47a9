/* page.js - what a page can do besides being read: values on curves, sortable tables, pictures
 * behind the cells of a confusion matrix. The page is whole without it; each part works alone. */
'use strict';
(() => {
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const make = (tag, text, cls) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  /* only where there is a drawing already */
  const svgNode = (tag, attributes) => {
    const e = document.createElementNS(document.querySelector('svg').namespaceURI, tag);
    for (const k in attributes) e.setAttribute(k, attributes[k]);
    return e;
  };
  const part = (f) => { try { f(); } catch (e) { /* the page goes on without this part */ } };

  /* ---- tables that sort ---- */
  const valueOf = (cell) => {
    const text = cell ? cell.dataset.v || cell.textContent.trim() : '';
    const number = parseFloat(text.replace(/,/g, '').replace('\u2212', '-'));
    return { text, number: /^[-+\u2212]?[\d.]/.test(text) ? number : NaN };
  };
  const sortBy = (table, th) => {
    const column = th.cellIndex, body = table.tBodies[0];
    const rows = [...body.rows].map((row, i) => ({ row, i, v: valueOf(row.cells[column]) }));
    const numbers = rows.some((r) => !isNaN(r.v.number));
    const was = th.getAttribute('aria-sort');
    const down = was ? was === 'ascending' : numbers && column > 0;
    const sign = down ? -1 : 1;
    rows.sort((a, b) => {
      if (!numbers) return sign * a.v.text.localeCompare(b.v.text) || a.i - b.i;
      if (isNaN(a.v.number) || isNaN(b.v.number))
        return isNaN(a.v.number) - isNaN(b.v.number) || a.i - b.i;
      return sign * (a.v.number - b.v.number) || a.i - b.i;
    });
    for (const h of all('th[aria-sort]', table)) h.removeAttribute('aria-sort');
    th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    body.append(...rows.map((r) => r.row));
  };
  const sortable = (table) => {
    for (const th of all('thead th', table)) {
      const button = make('button', th.textContent);
      button.type = 'button';
      button.addEventListener('click', () => sortBy(table, th));
      th.replaceChildren(button);
    }
  };

  /* ---- values on curves ---- */
  const shown = (v, percent) => {
    const s = percent ? (100 * v).toFixed(2) + ' %' : String(+v.toPrecision(4));
    return s.replace('-', '\u2212');
  };
  const readRows = (figure) => {
    const table = figure.querySelector('table.numbers');
    if (!table) return null;
    const names = [...table.tHead.rows[0].cells].map((c) => c.textContent);
    const rows = [...table.tBodies[0].rows].map((r) =>
      [...r.cells].map((c) => (/\d/.test(c.textContent) ? parseFloat(c.textContent) : NaN)));
    return { names, rows: rows.filter((r) => isFinite(r[0])).sort((a, b) => a[0] - b[0]) };
  };
  /* The row nearest to x in which a column has a value. */
  const nearest = (rows, column, x) => {
    let best = null;
    for (const r of rows)
      if (isFinite(r[column]) && (!best || Math.abs(r[0] - x) < Math.abs(best[0] - x))) best = r;
    return best;
  };
  const lines = (svg) => {
    const figure = svg.closest('figure'), drawing = svg.parentNode;
    const data = figure && readRows(figure);
    if (!data || !data.rows.length) return;
    const [x0, x1, low, high] = svg.dataset.x.split(' ').map(Number);
    const [y0, y1] = svg.dataset.y.split(' ').map(Number);
    const percent = svg.dataset.percent === '1';
    const px = (x) => x0 + (high > low ? (x - low) / (high - low) : 0.5) * (x1 - x0);
    const series = all('[data-column]', svg)
      .map((path) => ({ path, column: data.names.indexOf(path.dataset.column) }))
      .filter((s) => s.column > 0);
    if (!series.length) return;
    const xs = [...new Set(data.rows.filter((r) => series.some((s) => isFinite(r[s.column])))
      .map((r) => r[0]))];
    const box = make('div', undefined, 'readout'), said = make('div', undefined, 'said');
    const line = svgNode('line', { class: 'cursor', y1: y0, y2: y1 });
    said.setAttribute('aria-live', 'polite');
    box.hidden = true;
    let at = -1;
    const hide = () => { box.hidden = true; line.remove(); at = -1; };
    const show = (i) => {
      at = Math.max(0, Math.min(xs.length - 1, i));
      const x = xs[at], words = [data.names[0].replace(/_/g, ' ') + ' ' + shown(x, false)];
      box.replaceChildren(make('b', words[0]));
      for (const s of series) {
        const row = nearest(data.rows, s.column, x);
        if (!row || Math.abs(row[0] - x) > 0.02 * (high - low)) continue;
        const name = s.path.dataset.column.replace(/_/g, ' ');
        const text = name + ' ' + shown(row[s.column], percent);
        const sample = svgNode('svg', { viewBox: '0 0 22 8', 'aria-hidden': 'true' });
        const stroke = svgNode('path', { d: 'M0 4H22' });
        for (const k of ['class', 'stroke', 'stroke-width', 'stroke-dasharray'])
          if (s.path.hasAttribute(k)) stroke.setAttribute(k, s.path.getAttribute(k));
        sample.append(stroke);
        const entry = make('div');
        entry.append(sample, text);
        box.append(entry);
        words.push(text);
      }
      line.setAttribute('x1', px(x));
      line.setAttribute('x2', px(x));
      svg.append(line);
      box.hidden = false;
      const view = svg.viewBox.baseVal, scale = svg.clientWidth / view.width || 1;
      const left = px(x) * scale + 12, room = drawing.clientWidth - box.offsetWidth;
      box.style.left = Math.max(0, left > room ? left - 24 - box.offsetWidth : left) + 'px';
      box.style.top = Math.min(y0, y1) * scale + 4 + 'px';
      return words.join(', ');
    };
    const closest = (x) => xs.reduce((b, v, i) => (Math.abs(v - x) < Math.abs(xs[b] - x) ? i : b), 0);
    svg.addEventListener('pointermove', (e) => {
      const r = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
      const x = (e.clientX - r.left) * view.width / r.width;
      show(closest(low + (x - x0) / (x1 - x0) * (high - low)));
    });
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', (e) => {
      const to = { ArrowLeft: at < 0 ? xs.length - 1 : at - 1, ArrowRight: at + 1, Home: 0,
        End: xs.length - 1 }[e.key];
      if (e.key === 'Escape') hide();
      if (to === undefined) return;
      e.preventDefault();
      said.textContent = show(to);
    });
    svg.setAttribute('tabindex', '0');
    drawing.append(box, said);
    const title = svg.querySelector(':scope>title');
    if (title) {
      /* no tooltip of the browser above our own */
      svg.setAttribute('aria-label', title.textContent + '. Arrow keys read values.');
      title.remove();
    }
  };

  /* ---- pictures behind cells ---- */
  const cells = () => {
    const block = document.getElementById('cells'), panel = document.getElementById('cell');
    if (!block || !panel) return;
    const data = JSON.parse(block.textContent);
    let pinned = null, current = null;
    const keyOf = (cell) => cell.dataset.true + ',' + cell.dataset.pred;
    const name = (cell, what) => data.classes[cell.dataset[what]];
    const label = (cell) => {
      const found = data.cells[keyOf(cell)], right = cell.dataset.true === cell.dataset.pred;
      const said = right ? 'taken for what it is' : 'taken for ' + name(cell, 'pred');
      return name(cell, 'true') + ' ' + said + (found ? ', ' + found.n + (found.n === 1 ? ' time' : ' times') : '');
    };
    const open = (cell) => {
      const found = data.cells[keyOf(cell)];
      if (current) current.classList.remove('on');
      current = cell;
      cell.classList.add('on');
      const head = label(cell) + (found && found.n > found.p.length ? ', ' + found.p.length + ' of them:' : '');
      panel.replaceChildren(make('p', head));
      for (const [tile, sample, p] of found ? found.p : []) {
        const t = make('span', undefined, 't');
        t.setAttribute('role', 'img');
        t.title = 'sample ' + sample + ', ' + (100 * p).toFixed(1) + ' % sure';
        t.setAttribute('aria-label', t.title);
        t.style.setProperty('--x', tile % data.columns);
        t.style.setProperty('--y', Math.floor(tile / data.columns));
        panel.append(t);
      }
    };
    panel.append(make('p', 'Point at a cell, or choose one, to see the pictures behind it.'));
    for (const svg of all('svg')) {
      const own = all('[data-true]', svg), at = new Map(own.map((c) => [keyOf(c), c]));
      if (!own.length) continue;
      panel.hidden = false;
      svg.setAttribute('role', 'group');
      svg.classList.add('choice');
      const rows = [...new Set(own.map((c) => c.dataset.true))];
      const columns = [...new Set(own.map((c) => c.dataset.pred))];
      for (const c of own) {
        if (!data.cells[keyOf(c)]) continue;
        c.classList.add('live');
        c.setAttribute('role', 'button');
        c.setAttribute('tabindex', '-1');
        c.setAttribute('aria-label', label(c));
      }
      const first = own.find((c) => c.classList.contains('live'));
      if (first) first.setAttribute('tabindex', '0');
      const cellOf = (e) => e.target.closest('[data-true]');
      svg.addEventListener('pointerover', (e) => {
        const c = cellOf(e);
        if (c && !pinned && c.classList.contains('live')) open(c);
      });
      svg.addEventListener('click', (e) => {
        const c = cellOf(e);
        if (!c) return;
        pinned = pinned === c ? null : c;
        open(c);
      });
      svg.addEventListener('keydown', (e) => {
        const c = cellOf(e);
        if (!c) return;
        if (e.key === 'Escape') pinned = null;
        if (e.key === 'Enter' || e.key === ' ') {
          e.preventDefault();
          open(pinned = c);
        }
        const [dy, dx] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key] || [0, 0];
        if (!dx && !dy) return;
        e.preventDefault();
        let y = rows.indexOf(c.dataset.true), x = columns.indexOf(c.dataset.pred);
        for (;;) {
          y += dy;
          x += dx;
          const next = at.get(rows[y] + ',' + columns[x]);
          if (!next) return;
          if (!next.classList.contains('live')) continue;
          c.setAttribute('tabindex', '-1');
          next.setAttribute('tabindex', '0');
          next.focus();
          return;
        }
      });
    }
  };

  /* ---- where the reader is ---- */
  const here = () => {
    const links = new Map(all('nav a').map((a) => [a.hash.slice(1), a]));
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const e of entries) seen[e.isIntersecting ? 'add' : 'delete'](e.target.id);
      const first = [...links.keys()].find((k) => seen.has(k));
      for (const [k, a] of links) a.classList.toggle('here', k === first);
    }, { rootMargin: '-10% 0px -60% 0px' });
    for (const s of all('main>section')) watch.observe(s);
  };
  /* A page that reloads itself stays where it was. */
  const stay = () => {
    if (!document.querySelector('meta[http-equiv=refresh]')) return;
    const key = 'scroll ' + location.pathname;
    const y = sessionStorage.getItem(key);
    if (y) scrollTo(0, +y);
    addEventListener('pagehide', () => part(() => sessionStorage.setItem(key, scrollY)));
  };

  for (const t of all('table.sortable')) part(() => sortable(t));
  for (const s of all('svg[data-chart=lines]')) part(() => lines(s));
  part(cells);
  part(here);
  part(stay);
})();
