'use strict';
const byId = id => document.getElementById(id);
// Characters that are not seen could make one text look like another.
const clean = text => String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '');
const number = new Intl.NumberFormat('en');
const count = (n, one, many) => `${number.format(n)} ${n === 1 ? one : many || one + 's'}`;
const make = (name, text, options) => {
  const element = Object.assign(document.createElement(name), options);
  if (text !== undefined && text !== null) element.textContent = clean(text);
  return element;
};
const span = seconds => {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  const [large, small, names] = s < 3600 ? [Math.floor(s / 60), s % 60, ['min', 's']]
    : [Math.floor(s / 3600), Math.floor(s % 3600 / 60), ['h', 'min']];
  return `${large} ${names[0]}` + (small ? ` ${small} ${names[1]}` : '');
};
const latency = ms => ms === undefined ? '-' : ms < 10 ? `${ms.toFixed(2)} ms`
  : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
const two = n => String(n).padStart(2, '0');
const moment = text => {
  const d = new Date(text);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
};
const time = text => make('time', moment(text), { dateTime: text });
// Screen readers announce what is set anew, even where it is the same.
const set = (element, text) => { if (element.textContent !== clean(text)) element.textContent = clean(text); };

let service = null;
let lastSeen = 0;
const began = Date.now();
let seenRuns = -1;
let shownWaiting = '';
let samples = [];
let sampledRun = '';

// ---- what is happening now

function facts(list, pairs) {
  const rows = pairs.filter(pair => pair[1] !== undefined && pair[1] !== null);
  const names = rows.map(row => row[0]).join('|');
  if (list.dataset.names !== names) {
    list.replaceChildren(...rows.map(row => {
      const div = document.createElement('div');
      div.append(make('dt', row[0]), make('dd'));
      return div;
    }));
    list.dataset.names = names;
  }
  rows.forEach((row, index) => set(list.children[index].lastChild, row[1]));
}

function showNow(run) {
  byId('now').hidden = !run;
  if (!run) return;
  if (sampledRun !== run.run) { samples = []; sampledRun = run.run; }
  const progress = byId('progress');
  if (run.total) { progress.max = run.total; progress.value = run.done; } else progress.removeAttribute('value');
  set(byId('share'), run.total ? `${number.format(run.done)} of ${number.format(run.total)}` : number.format(run.done));
  facts(byId('facts'), [
    ['Job', run.job], ['Export', run.export], ['Run', run.run], ['Doing', run.phase],
    ['Rate', run.rate === undefined ? `limit ${number.format(run.limit)} a second`
      : `${run.rate.toFixed(1)} of ${number.format(run.limit)} calls a second`],
    ['Why', run.reason],
    ['Paused', run.pauseSeconds === undefined ? undefined : `for ${span(run.pauseSeconds)}`],
    ['So far', span(run.elapsedSeconds)],
    ['Time left', run.secondsLeft === undefined ? 'not known yet' : `about ${span(run.secondsLeft)}`],
    ['Response time', run.p50 === undefined ? 'no answer yet' : `p50 ${latency(run.p50)}, p99 ${latency(run.p99)}`],
    ['Retries', number.format(run.retries)],
    ['Not done', run.failed ? count(run.failed, 'change') : undefined],
  ]);
  if (run.p50 !== undefined) {
    samples.push({ p50: run.p50, p99: run.p99 });
    if (samples.length > 300) samples.shift();
  }
  plot();
  byId('stopping').hidden = !service.takesApprovals;
  byId('stop').disabled = run.isStopping;
  set(byId('stop'), run.isStopping ? 'Stopping' : 'Stop this run');
}

function plot() {
  const place = byId('plot');
  const width = Math.max(280, place.clientWidth), height = 160, left = 62, bottom = 22, top = 8;
  const svg = (name, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const last = samples[samples.length - 1];
  const picture = svg('svg', {
    class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': last ? `p50 ${latency(last.p50)}, p99 ${latency(last.p99)}` : 'no answer yet',
  });
  const highest = Math.max(1, ...samples.map(sample => sample.p99));
  const power = 10 ** Math.floor(Math.log10(highest));
  const roof = [1, 2, 5, 10].map(step => step * power).find(step => step >= highest);
  const y = value => top + (height - top - bottom) * (1 - value / roof);
  for (const part of [0, 0.5, 1]) {
    picture.append(
      svg('line', { class: 'grid', x1: left, x2: width, y1: y(roof * part), y2: y(roof * part) }),
      svg('text', { class: 'axis', x: left - 8, y: y(roof * part) + 4, 'text-anchor': 'end' },
        part === 0 ? '0' : latency(roof * part)));
  }
  const x = index => left + (width - left) * index / Math.max(59, samples.length - 1);
  for (const [key, style] of [['p50', 'c0'], ['p99', 'c1']]) {
    const points = samples.map((sample, index) => `${x(index).toFixed(1)} ${y(sample[key]).toFixed(1)}`);
    if (points.length === 1) points.push(`${(x(0) + 2).toFixed(1)} ${y(samples[0][key]).toFixed(1)}`);
    if (points.length) picture.append(svg('path', { class: `line ${style}`, d: 'M' + points.join('L') }));
  }
  picture.append(
    svg('text', { class: 'axis', x: left, y: height - 4 }, `the last ${span(Math.max(60, samples.length))}`),
    svg('text', { class: 'axis', x: width, y: height - 4, 'text-anchor': 'end' }, samples.length > 59 ? 'now' : ''));
  place.replaceChildren(picture);
}

// ---- what waits

function showWaiting(waiting) {
  byId('waiting').hidden = waiting.length === 0;
  const text = JSON.stringify([waiting, service.takesApprovals]);
  // What somebody types stays as long as nothing has changed.
  if (text === shownWaiting) return;
  shownWaiting = text;
  byId('waiting-runs').replaceChildren(...waiting.map(article));
}

function article(run) {
  const whole = make('article');
  const list = make('dl');
  whole.append(make('h3', `${run.export}, job ${run.job}`), list);
  facts(list, [
    ['Run', run.run], ['Since', moment(run.since)],
    ['Plan', run.cause === 'stopped' ? undefined
      : `${count(run.creates, 'create')}, ${count(run.deletes, 'delete')}, from ${count(run.records, 'record')}`],
  ]);
  const reasons = make('ul', null, { className: 'plain' });
  reasons.append(...run.reasons.map(reason => make('li', reason)));
  whole.append(reasons);
  if (run.owners.length) {
    const region = make('div', null, { className: 'scroll', tabIndex: 0 });
    region.setAttribute('role', 'region');
    region.setAttribute('aria-label', 'Owners who would lose the most carts');
    const table = make('table'), head = make('thead'), body = make('tbody'), row = make('tr');
    row.append(
      make('th', 'Owner', { scope: 'col' }), make('th', 'Would lose', { scope: 'col' }));
    head.append(row);
    body.append(...run.owners.map(owner => {
      const line = make('tr');
      line.append(
        make('th', `${owner.kind} ${owner.owner}`, { scope: 'row' }),
        make('td', count(owner.deletes, 'cart')));
      return line;
    }));
    table.append(head, body);
    region.append(table);
    whole.append(region);
  }
  const command = make('p', run.canBeApproved ? 'On the command line: ' : 'What to do: ');
  command.append(make('code', run.command));
  if (run.approvedUntil) {
    whole.append(make('p', `Approved until ${moment(run.approvedUntil)}; it is taken at the next look.`));
  } else if (run.canBeApproved && service.takesApprovals) {
    whole.append(approval(run));
  }
  if (!run.approvedUntil) whole.append(command);
  return whole;
}

function approval(run) {
  const form = make('form', null, { className: 'approve' });
  const button = make('button', run.cause === 'stopped' ? 'Let it go on' : 'Approve', { type: 'submit' });
  let deletes = null;
  if (run.cause !== 'stopped') {
    deletes = make('input', null, {
      type: 'number', id: `deletes-${run.run}`, min: run.deletes, step: 1, value: run.deletes, required: true,
      inputMode: 'numeric' });
    form.append(make('label', 'With at most', { htmlFor: deletes.id }), deletes, make('span', 'deletes'));
  }
  form.append(button);
  form.addEventListener('submit', event => {
    event.preventDefault();
    order(`/api/runs/${run.run}/approve`, deletes ? { maxDeletes: Number(deletes.value) } : {}, button);
  });
  return form;
}

// ---- approving and stopping

async function order(path, body, button) {
  const token = byId('token').value.trim();
  if (!token) {
    say('Enter the token first.', 'bad');
    byId('token').focus();
    return;
  }
  button.disabled = true;
  try {
    const answer = await fetch(path, {
      method: 'POST', body: JSON.stringify(body), credentials: 'omit',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    });
    const said = await answer.json();
    if (answer.ok) say(sentence(said.message), 'good');
    else {
      say(sentence(said.error), 'bad');
      if (answer.status === 401) byId('token').focus();
    }
  } catch (error) {
    say('The service does not answer; nothing was approved or stopped.', 'bad');
  }
  button.disabled = false;
}

const sentence = text => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');

function say(text, tone) {
  const answer = byId('answer');
  answer.className = tone;
  answer.hidden = false;
  answer.textContent = clean(text);
  clearTimeout(forgetting);
  if (tone === 'good') forgetting = setTimeout(() => { answer.hidden = true; }, 30000);
}
let forgetting = 0;

byId('key').addEventListener('submit', event => event.preventDefault());
byId('stop').addEventListener('click', event => {
  if (service && service.run) order(`/api/runs/${service.run.run}/stop`, {}, event.target);
});

// ---- sources and runs

function showJobs(jobs) {
  const body = byId('jobs');
  while (body.children.length > jobs.length) body.lastChild.remove();
  jobs.forEach((job, index) => {
    let row = body.children[index];
    if (!row) {
      row = make('tr');
      const name = make('th', null, { scope: 'row' });
      name.append(make('span'), make('small', null, { className: 'soft' }), make('small'), make('small', null, { className: 'soft' }));
      row.append(name, make('td'), make('td'));
      body.append(row);
    }
    const state = job.problems.length ? job.problems.join('; ')
      : job.export ? `syncing ${job.export}` : 'ready';
    const pause = job.pauseSeconds ? `; paused for ${span(job.pauseSeconds)}` : '';
    const next = job.nextPollSeconds === undefined ? '-'
      : job.nextPollSeconds < 1 ? 'now' : `in ${span(job.nextPollSeconds)}`;
    const [name, source, how, notes] = row.firstChild.children;
    set(name, job.name);
    set(source, `from ${job.source}`);
    set(how, state + pause);
    how.className = job.problems.length ? 'bad' : 'good';
    set(notes, job.notes.join('; '));
    set(row.children[1], next);
    set(row.children[2], number.format(job.exportsWaiting));
  });
}

const tones = { finished: 'good', failed: 'bad', refused: 'warning', waiting: 'warning', stopped: 'warning', applying: '' };

function runRow(run) {
  const row = make('tr');
  const name = make('th', null, { scope: 'row' });
  if (run.report) name.append(make('a', run.run, { href: run.report }));
  else name.append(make('span', run.run));
  const about = make('small', null, { className: 'soft' });
  about.append(time(run.started), clean(`, ${run.job}: ${run.exports.join(', ') || run.command}`));
  name.append(about);
  if (run.verdict) name.append(make('small', run.verdict));
  const tone = run.state === 'finished' && run.exitStatus ? 'warning' : tones[run.state] || '';
  row.append(
    name, make('td', run.state, { className: `text ${tone}` }), make('td', number.format(run.creates)),
    make('td', number.format(run.deletes)));
  return row;
}

let older = null;

async function loadRuns(path, replaces) {
  try {
    const answer = await fetch(path, { credentials: 'omit' });
    if (!answer.ok) return;
    const page = await answer.json();
    const rows = page.runs.map(runRow);
    // The older ones that somebody asked for stay.
    if (replaces) byId('runs').replaceChildren(...rows); else byId('runs').append(...rows);
    older = page.next || null;
    byId('older').hidden = !older;
    byId('none').hidden = byId('runs').children.length > 0;
  } catch (error) {
    seenRuns = -1;
  }
}

byId('older').addEventListener('click', () => { if (older) loadRuns(older, false); });

// ---- the whole

function headline(view) {
  const problems = view.jobs.filter(job => job.problems.length).length;
  const waiting = view.waiting.filter(run => !run.approvedUntil).length;
  if (view.run) return [view.run.isStopping ? 'warning' : 'good', `${view.run.isStopping ? 'Stopping' : 'Syncing'} ${view.run.export}`];
  if (waiting) return ['warning', `${count(waiting, 'run')} ${waiting === 1 ? 'waits' : 'wait'} for a person`];
  if (problems) return ['bad', `${count(problems, 'job')} cannot do ${problems === 1 ? 'its' : 'their'} work`];
  return ['good', 'Idle: every export is synced'];
}

function show(view) {
  service = view;
  lastSeen = Date.now();
  byId('lost').hidden = true;
  const [tone, text] = headline(view);
  byId('head').className = tone;
  set(byId('headline'), text);
  document.title = `${clean(text)} - cartsync`;
  const limit = `At most ${number.format(view.rate.limit)} calls a second`;
  set(byId('subline'), view.rate.now < view.rate.limit ? `${limit}, now ${number.format(view.rate.now)}.` : `${limit}.`);
  byId('warnings').hidden = !view.warnings.length;
  set(byId('warnings'), view.warnings.join('; '));
  set(byId('version'), `cartsync ${view.version}`);
  showNow(view.run);
  showWaiting(view.waiting);
  byId('key').hidden = !view.takesApprovals || (!view.run && !view.waiting.some(run => run.canBeApproved && !run.approvedUntil));
  showJobs(view.jobs);
  if (view.runsSeen !== seenRuns) {
    seenRuns = view.runsSeen;
    loadRuns('/api/runs?limit=20', true);
  }
}

function lose() {
  const lost = byId('lost');
  const since = lastSeen ? ` What is shown is of ${moment(lastSeen)}.` : '';
  const text = `The connection to the service is lost; trying again.${since}`;
  if (lost.hidden || lost.textContent !== text) lost.textContent = text;
  lost.hidden = false;
  byId('head').className = 'bad';
  set(byId('headline'), 'No connection');
  set(byId('subline'), '');
  document.title = 'No connection - cartsync';
}

let source = null;

function connect() {
  if (source) source.close();
  source = new EventSource('/api/service/events');
  source.addEventListener('service', event => show(JSON.parse(event.data)));
  // A stream that ends is begun anew by the browser; one that is refused is not.
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
  });
}

addEventListener('resize', () => { if (service && service.run) plot(); });

// A cable that was pulled says nothing at all.
setInterval(() => { if (Date.now() - Math.max(lastSeen, began) > 5000) lose(); }, 1000);
connect();
