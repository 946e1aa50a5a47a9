// The page over all runs: filters, and two runs side by side. All text goes in as text.
(function () {
  'use strict';
  var block = document.getElementById('runs-data'), table = document.querySelector('#runs table');
  if (!block || !table) return;
  var data = JSON.parse(block.textContent), body = table.tBodies[0];
  var words = document.getElementById('words'), status = document.getElementById('status');
  var count = document.getElementById('count'), pair = document.getElementById('pair');
  var rows = Array.prototype.map.call(body.rows, function (row) {
    var title = row.cells[7].title + ' ' + row.cells[8].title;
    return {row: row, text: (row.textContent + ' ' + title).toLowerCase(),
      status: row.cells[2].textContent, tick: row.querySelector('input')};
  });
  var chosen = [];

  function filter() {
    var want = words.value.toLowerCase().split(/\s+/), shown = 0;
    rows.forEach(function (r) {
      var ok = (!status.value || r.status.split(', ').indexOf(status.value) >= 0) &&
        want.every(function (w) { return r.text.indexOf(w) >= 0; });
      r.row.hidden = !ok;
      shown += ok;
    });
    count.textContent = shown === rows.length ? shown + ' runs' : shown + ' of ' + rows.length + ' runs';
  }

  function add(to, name, text, attributes) {
    var e = document.createElement(name);
    if (text !== undefined) e.textContent = text;
    for (var key in attributes || {}) e.setAttribute(key, attributes[key]);
    return to.appendChild(e);
  }

  function draw(to, name, attributes, text) {
    var e = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (var key in attributes) e.setAttribute(key, attributes[key]);
    if (text !== undefined) e.textContent = text;
    return to.appendChild(e);
  }

  function values(r) {
    var all = Object.assign({}, data.base);
    for (var key in r.c) if (r.c[key] === null) delete all[key]; else all[key] = r.c[key];
    return all;
  }

  function number(v, digits) { return v === null ? '\u2013' : String(Number(v.toPrecision(digits || 4))); }

  function tabulate(to, caption, heads, lines) {
    var t = add(add(to, 'div', undefined, {'class': 'table', tabindex: 0, role: 'group', 'aria-label': caption}), 'table');
    add(t, 'caption', caption);
    var head = add(add(t, 'thead'), 'tr'), rest = add(t, 'tbody');
    heads.forEach(function (h) { add(head, 'th', h, {scope: 'col'}); });
    lines.forEach(function (line) {
      var tr = add(rest, 'tr');
      line.forEach(function (cell, i) { add(tr, i ? 'td' : 'th', cell, i ? {} : {scope: 'row'}); });
    });
  }

  function metrics(a, b) {
    function cells(r) {
      var d = data.runs[r.row.dataset.run], c = r.row.cells;
      return [r.status, c[4].firstChild ? c[4].firstChild.textContent + ' (' + number(d.v[0]) + ' to ' + number(d.v[1]) + ')' : '\u2013',
        c[5].textContent || '\u2013', d.v[2] === null ? '\u2013' : number(d.v[2]) + ' %', number(d.v[3]),
        d.n[1] ? d.n[0] + ' of ' + d.n[1] : '\u2013', d.n[2] ? d.n[2].toLocaleString('en') : '\u2013',
        d.v[4] === null ? '\u2013' : number(d.v[4], 3) + ' s', c[6].textContent || '\u2013', c[3].textContent];
    }
    var names = ['status', 'test accuracy (95 % interval)', 'test loss', 'best validation accuracy', 'best validation loss',
      'epochs', 'parameters', 'training', 'time in all', 'started (UTC)'], left = cells(a), right = cells(b);
    return names.map(function (n, i) { return [n, left[i], right[i]]; });
  }

  function differences(a, b) {
    var left = values(data.runs[a.row.dataset.run]), right = values(data.runs[b.row.dataset.run]);
    var keys = Object.keys(Object.assign({}, left, right)).sort();
    return keys.filter(function (k) {
      return left[k] !== right[k] && !/^(name|description|tags|expect|reporters|plugins)(\.|$)/.test(k);
    }).map(function (k) { return [k, k in left ? left[k] : '\u2013', k in right ? right[k] : '\u2013']; });
  }

  function curves(to, list) {
    var all = [], most = 1;
    list.forEach(function (d) {
      d.y.forEach(function (y) { if (y !== null) all.push(y); });
      most = Math.max(most, d.n[0]);
    });
    if (!all.length) return;
    var low = Math.min.apply(null, all), high = Math.max.apply(null, all);
    if (high === low) high = low + (Math.abs(low) || 1);
    var svg = draw(to, 'svg', {viewBox: '0 0 520 240', role: 'img',
      'aria-label': 'Loss by epoch of both runs, from ' + number(high) + ' to ' + number(low)});
    [[12, high], [208, low]].forEach(function (at) {
      draw(svg, 'line', {x1: 60, x2: 510, y1: at[0], y2: at[0]});
      draw(svg, 'text', {x: 52, y: at[0] + 4, 'text-anchor': 'end'}, number(at[1], 3));
    });
    draw(svg, 'text', {x: 60, y: 228}, 'epoch 1');
    draw(svg, 'text', {x: 510, y: 228, 'text-anchor': 'end'}, String(most));
    list.forEach(function (d, k) {
      var n = d.y.length, points = [];
      d.y.forEach(function (y, i) {
        var epoch = n > 1 ? i * (d.n[0] - 1) / (n - 1) : 0;
        if (y !== null) points.push((60 + 450 * epoch / Math.max(most - 1, 1)).toFixed(1) + ',' +
          (208 - 196 * (y - low) / (high - low)).toFixed(1));
      });
      draw(svg, 'polyline', {'class': k ? 'b' : 'a', points: points.join(' ')});
    });
    var p = add(to, 'p', 'Loss by epoch: ', {'class': 'soft'});
    add(p, 'span', 'the first solid, the second dashed.');
  }

  function close() {
    var last = chosen[1];
    chosen.forEach(function (r) { r.tick.checked = false; });
    chosen = [];
    show();
    last.tick.focus();
  }

  function show() {
    rows.forEach(function (r) { r.row.className = chosen.indexOf(r) >= 0 ? 'chosen' : ''; });
    pair.textContent = '';
    pair.hidden = chosen.length < 2;
    if (pair.hidden) return;
    var two = chosen.map(function (r) { return data.runs[r.row.dataset.run]; });
    var heads = [''].concat(chosen.map(function (r) {
      return r.row.cells[1].firstChild.textContent + ' ' + r.row.cells[1].querySelector('small').textContent;
    }));
    add(pair, 'button', 'Close', {type: 'button'}).addEventListener('click', close);
    add(pair, 'h2', 'Side by side');
    var columns = add(pair, 'div', undefined, {'class': 'columns'});
    tabulate(add(columns, 'div'), 'Results', heads, metrics(chosen[0], chosen[1]));
    curves(add(columns, 'div'), two);
    var lines = differences(chosen[0], chosen[1]);
    if (lines.length) tabulate(pair, 'Parameters that differ', heads, lines);
    else add(pair, 'p', 'All parameters are the same.');
    var p = add(pair, 'p', 'All of it, with tests of significance: ');
    add(p, 'code', 'runner compare ' + two.map(function (d) {
      var path = data.root + '/' + d.dir;
      return /^[\w.\/=+:,@%-]+$/.test(path) ? path : "'" + path.replace(/'/g, "'\\''") + "'";
    }).join(' ') + ' --html');
    var links = add(pair, 'p', 'Reports: ');
    chosen.forEach(function (r, i) {
      var link = r.row.cells[1].querySelector('a');
      if (i && link) add(links, 'span', ', ');
      if (link) add(links, 'a', heads[i + 1], {href: link.getAttribute('href')});
    });
  }

  rows.forEach(function (r) {
    r.tick.checked = false;
    r.tick.addEventListener('change', function () {
      chosen = chosen.filter(function (c) { return c !== r; });
      if (r.tick.checked) chosen.push(r);
      if (chosen.length > 2) chosen.shift().tick.checked = false;
      show();
      if (chosen.length > 1) pair.scrollIntoView({block: 'nearest'});
    });
  });
  words.addEventListener('input', filter);
  status.addEventListener('change', filter);
  document.documentElement.classList.add('script');
  document.querySelector('.tools').hidden = false;
  filter();
})();
