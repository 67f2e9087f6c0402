'use strict';
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId('data').textContent);
  const stage = byId('stage'), svg = stage.querySelector('svg'), search = byId('search');
  const things = Object.keys(data).map(byId).filter(Boolean);
  const [, , whole, high] = svg.getAttribute('viewBox').split(' ').map(Number);
  let view = { x: 0, y: 0, w: whole, h: high }, current = null, matches = [], at = -1;

  // --- moving and zooming
  const show = () => svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${view.h}`);
  const scale = () => Math.min(stage.clientWidth / view.w, stage.clientHeight / view.h);
  const fill = (k, cx, cy) => {  // k pixels for one of the picture, around (cx, cy)
    k = Math.min(4, Math.max(0.05, k));
    view.w = stage.clientWidth / k;
    view.h = stage.clientHeight / k;
    view.x = cx - view.w / 2;
    view.y = cy - view.h / 2;
    show();
  };
  const fit = () => {  // all of it; the hint at the bottom covers nothing
    const k = Math.min(stage.clientWidth / whole, (stage.clientHeight - 40) / high, 1.5);
    fill(k, whole / 2, high / 2 + 20 / k);
  };
  const begin = () => {  // the upper part, where all of it would be too small to read
    fit();
    if (scale() > 0.5) return;
    const k = Math.max(0.4, Math.min(1, stage.clientWidth / whole));
    fill(k, Math.min(whole, stage.clientWidth / k) / 2, stage.clientHeight / k / 2);
  };
  const zoom = (by, px, py) => {  // the point under the pointer stays where it is
    const before = scale(), k = Math.min(4, Math.max(0.05, before * by));
    const dx = px === undefined ? 0 : px - stage.clientWidth / 2;
    const dy = py === undefined ? 0 : py - stage.clientHeight / 2;
    const cx = view.x + view.w / 2, cy = view.y + view.h / 2;
    fill(k, cx + dx / before - dx / k, cy + dy / before - dy / k);
  };
  const middle = (thing) => {
    const box = thing.getBBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const seen = (thing) => {
    const r = thing.getBoundingClientRect(), s = stage.getBoundingClientRect();
    return r.left >= s.left && r.right <= s.right && r.top >= s.top && r.bottom <= s.bottom;
  };
  const reveal = (thing) => {
    if (scale() < 0.6 || !seen(thing)) fill(Math.max(scale(), 0.9), ...middle(thing));
  };

  stage.addEventListener('wheel', (event) => {
    event.preventDefault();
    const place = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - place.left, event.clientY - place.top);
  }, { passive: false });
  const fingers = new Map();
  let moved = false;
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  stage.addEventListener('pointerdown', (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved = false;
  });
  window.addEventListener('pointermove', (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const before = fingers.size === 2 ? spread() : 0;
    const dx = event.clientX - last.x, dy = event.clientY - last.y;
    if (!moved && Math.hypot(dx, dy) < 4) return;
    moved = true;
    stage.classList.add('moving');
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (before) { zoom(spread() / before); return; }
    const k = scale();
    view.x -= dx / k;
    view.y -= dy / k;
    show();
  });
  for (const end of ['pointerup', 'pointercancel']) {
    window.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      stage.classList.remove('moving');
    });
  }

  // --- details
  const list = (facts) => {
    const found = document.createElement('dl');
    for (const [key, value] of facts) {
      const dt = document.createElement('dt'), dd = document.createElement('dd');
      dt.textContent = key;
      dd.textContent = value;
      found.append(dt, dd);
    }
    return found;
  };
  const members = (id) => Object.values(data).filter((one) => (one.on || []).includes(id))
    .map((one) => ['has', one.name]);
  const open = (thing) => {
    close(false);
    const about = data[thing.id], facts = byId('facts');
    thing.classList.add('chosen');
    thing.setAttribute('aria-expanded', 'true');
    byId('kind').textContent = about.kind;
    byId('name').textContent = about.name;
    facts.replaceChildren(list([...about.facts, ...members(thing.id)]));
    for (const guest of about.guests || []) {
      const title = document.createElement('h3');
      title.textContent = guest.name;
      facts.append(title, list(guest.facts));
    }
    byId('details').hidden = false;
  };
  const close = (back = true) => {
    const thing = stage.querySelector('.chosen');
    byId('details').hidden = true;
    if (!thing) return;
    thing.classList.remove('chosen');
    thing.setAttribute('aria-expanded', 'false');
    if (back) thing.focus();
  };
  byId('close').addEventListener('click', () => close());
  stage.addEventListener('click', (event) => {
    const thing = event.target.closest('.card,.segment');
    if (moved) return;
    if (thing) { focusOn(thing); open(thing); } else close(false);
  });

  // --- keys: one thing is in the order of tabs, arrows go to the nearest in that direction
  const focusOn = (thing) => {
    if (current) current.setAttribute('tabindex', '-1');
    current = thing;
    thing.setAttribute('tabindex', '0');
    thing.focus({ preventScroll: true });
  };
  const nearest = (dx, dy) => {
    const [x, y] = middle(current);
    let best = null, least = Infinity;
    for (const thing of things) {
      if (thing === current) continue;
      const [tx, ty] = middle(thing), along = (tx - x) * dx + (ty - y) * dy;
      const aside = Math.abs((tx - x) * dy) + Math.abs((ty - y) * dx);
      if (along > 1 && along + 2 * aside < least) { least = along + 2 * aside; best = thing; }
    }
    return best;
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const thing of things) {
    thing.setAttribute('tabindex', '-1');
    thing.setAttribute('role', 'button');
    thing.setAttribute('aria-expanded', 'false');
    thing.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        open(thing);
      } else if (arrows[event.key]) {
        event.preventDefault();
        const next = nearest(...arrows[event.key]);
        if (next) { focusOn(next); reveal(next); }
      }
    });
  }
  if (things.length) { current = things[0]; current.setAttribute('tabindex', '0'); }
  const commands = {
    '/': () => search.focus(), '+': () => zoom(1.25), '=': () => zoom(1.25),
    '-': () => zoom(0.8), '0': fit, t: () => turn(), Escape: () => close(),
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === search) return;
    const command = commands[event.key];
    if (command) { event.preventDefault(); command(); }
  });

  // --- search
  const told = {};
  for (const [id, one] of Object.entries(data)) {
    const guests = (one.guests || []).flatMap((guest) => [guest.name, ...guest.facts.flat()]);
    told[id] = [one.name, ...one.facts.map((fact) => fact[1]), ...guests].join('\n').toLowerCase();
  }
  const find = () => {
    const words = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    matches = things.filter((thing) => words.every((word) => told[thing.id].includes(word)));
    for (const thing of things) {
      thing.classList.toggle('faded', words.length > 0 && !matches.includes(thing));
    }
    svg.classList.toggle('searching', words.length > 0);
    at = -1;
    byId('found').textContent = words.length ? `${matches.length} of ${things.length}` : '';
  };
  search.addEventListener('input', find);
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && matches.length) {
      at = (at + (event.shiftKey ? matches.length - 1 : 1)) % matches.length;
      reveal(matches[at]);
      open(matches[at]);
      byId('found').textContent = `${at + 1} of ${matches.length}`;
    } else if (event.key === 'Escape') {
      search.value = '';
      find();
      if (current) current.focus();
    }
  });

  // --- light and dark
  const turn = () => {
    const root = document.documentElement, now = root.dataset.theme
      || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
    root.dataset.theme = now === 'dark' ? 'light' : 'dark';
  };
  byId('in').addEventListener('click', () => zoom(1.25));
  byId('out').addEventListener('click', () => zoom(0.8));
  byId('fit').addEventListener('click', fit);
  byId('theme').addEventListener('click', turn);
  window.addEventListener('resize', () => fill(scale(), view.x + view.w / 2, view.y + view.h / 2));
  begin();
})();
