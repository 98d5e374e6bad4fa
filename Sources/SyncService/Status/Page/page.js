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
let inUTC = false;
const zone = d => {
  if (inUTC) return 'UTC';
  const minutes = -d.getTimezoneOffset(), away = Math.abs(minutes);
  if (!minutes) return 'UTC';
  return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(away / 60))}:${two(away % 60)}`;
};
const moment = text => {
  const d = new Date(text), local = inUTC ? new Date(d.getTime() + d.getTimezoneOffset() * 60000) : d;
  return `${local.getFullYear()}-${two(local.getMonth() + 1)}-${two(local.getDate())} ${two(local.getHours())}:${two(local.getMinutes())}:${two(local.getSeconds())} ${zone(d)}`;
};
const time = text => make('time', moment(text), { dateTime: text });
// Screen readers announce what is set anew, even where it is the same.
const set = (element, text) => { if (element.textContent !== clean(text)) element.textContent = clean(text); };

let service = null;
let lastSeen = 0;
const began = Date.now();
let seenRuns = '';
let shownWaiting = '';
let shownJobs = '';
// The token once the service has taken it, and what the service shows with it.
let token = '';
let own = null;

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
  const progress = byId('progress');
  if (run.total) { progress.max = run.total; progress.value = run.done; } else progress.removeAttribute('value');
  set(byId('share'), run.total ? `${number.format(run.done)} of ${number.format(run.total)}` : number.format(run.done));
  facts(byId('facts'), [
    ['Job', run.job], ['Export', run.export || undefined], ['Run', run.run], ['Doing', run.phase],
    ['Made', run.phase === 'applying' ? `${number.format(run.created)} created, ${number.format(run.deleted)} deleted` : undefined],
    ['Failed', run.failed ? count(run.failed, 'change') : undefined],
    ['Rate', run.rate === undefined ? `limit ${number.format(run.limit)} a second`
      : `${run.rate.toFixed(1)} of ${number.format(run.limit)} calls a second`],
    ['Why', run.reason],
    ['Paused', run.pauseSeconds === undefined ? undefined : `for ${span(run.pauseSeconds)}`],
    ['So far', span(run.elapsedSeconds)],
    ['Time left', run.secondsLeft === undefined ? 'not known yet' : `about ${span(run.secondsLeft)}`],
    ['Response time', run.p50 === undefined ? 'no answer yet' : `p50 ${latency(run.p50)}, p99 ${latency(run.p99)}`],
    ['Retries', number.format(run.retries)],
  ]);
  plot(run.windows, run);
  byId('stopping').hidden = !service.takesApprovals;
  byId('stop').disabled = run.isStopping;
  set(byId('stop'), run.isStopping ? 'Stopping' : 'Stop this run');
}

function plot(windows, run) {
  const last = windows[windows.length - 1];
  chart(byId('plot'), windows, [['p50', 'c0'], ['p99', 'c1']], latency,
    last && last.p50 !== undefined ? `p50 ${latency(last.p50)}, p99 ${latency(last.p99)}` : 'no answer yet');
  chart(byId('rates'), windows, [['rate', 'c0'], ['limit', 'c1 dashed']], value => number.format(Math.round(value)),
    last ? `${last.rate.toFixed(1)} of ${number.format(run.limit)} calls a second` : 'no call yet', true);
}

function chart(place, windows, lines, words, label, marksLimited) {
  const width = Math.max(280, place.clientWidth), height = 180, left = 62, bottom = 22, top = 8;
  const svg = (name, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const picture = svg('svg', { class: 'plot', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label });
  const values = windows.flatMap(one => lines.map(line => one[line[0]])).filter(value => value !== undefined);
  const highest = Math.max(1, ...values);
  const power = 10 ** Math.floor(Math.log10(highest));
  const roof = [1, 2, 5, 10].map(step => step * power).find(step => step >= highest);
  const y = value => top + (height - top - bottom) * (1 - value / roof);
  for (const part of [0, 0.5, 1]) {
    picture.append(
      svg('line', { class: 'grid', x1: left, x2: width, y1: y(roof * part), y2: y(roof * part) }),
      svg('text', { class: 'axis', x: left - 8, y: y(roof * part) + 4, 'text-anchor': 'end' },
        part === 0 ? '0' : words(roof * part)));
  }
  const last = windows[windows.length - 1];
  const end = Math.max(60, last ? last.seconds + last.length : 0);
  const x = seconds => left + (width - left) * seconds / end;
  if (marksLimited) {
    for (const one of windows.filter(one => one.rateLimited)) {
      picture.append(svg('rect', {
        class: 'limited', x: x(one.seconds).toFixed(1), width: Math.max(2, x(one.length) - x(0)).toFixed(1),
        y: y(0) - 6, height: 6 }));
    }
  }
  for (const [key, style] of lines) {
    // A window without an answer is a gap, no zero.
    let path = '', isOpen = false;
    for (const one of windows) {
      if (one[key] === undefined) { isOpen = false; continue; }
      const level = y(one[key]).toFixed(1);
      path += `${isOpen ? 'L' : 'M'}${x(one.seconds).toFixed(1)} ${level}L${x(one.seconds + one.length).toFixed(1)} ${level}`;
      isOpen = true;
    }
    if (path) picture.append(svg('path', { class: `line ${style}`, d: path }));
  }
  picture.append(
    svg('text', { class: 'axis', x: left, y: height - 4 }, 'start of the run'),
    svg('text', { class: 'axis', x: width, y: height - 4, 'text-anchor': 'end' }, span(end)));
  place.replaceChildren(picture);
}

// ---- what waits

function showWaiting(waiting) {
  byId('waiting').hidden = waiting.length === 0;
  const text = JSON.stringify([waiting, service.takesApprovals, Boolean(token), inUTC]);
  // What somebody types stays as long as nothing has changed.
  if (text === shownWaiting) return;
  shownWaiting = text;
  byId('waiting-runs').replaceChildren(...waiting.map(article));
}

function article(run) {
  const whole = make('article'), about = make('div'), what = make('div');
  const list = make('dl');
  about.append(make('h3', `${run.export}, job ${run.job}`), list);
  facts(list, [
    ['Run', run.run], ['Since', moment(run.since)],
    ['Plan', run.cause === 'stopped' ? undefined
      : `${count(run.creates, 'create')}, ${count(run.deletes, 'delete')}, from ${count(run.records, 'record')}`],
  ]);
  const reasons = make('ul', null, { className: 'plain' });
  reasons.append(...run.reasons.map(reason => make('li', reason)));
  about.append(reasons);
  if (run.approvedUntil) {
    about.append(make('p', `Approved until ${moment(run.approvedUntil)}; it is taken at the next look.`));
  } else {
    if (service.takesApprovals) about.append(approval(run));
    const command = make('p', run.canBeApproved ? 'To approve on the command line: ' : 'What to do: ');
    command.append(make('code', run.command));
    const decline = make('p', 'To decline: ');
    decline.append(make('code', run.declineCommand));
    about.append(command, decline);
  }
  if (run.owners.length) what.append(owners(run));
  if (run.hasDeletes) what.append(deletes(run));
  whole.append(about, what);
  return whole;
}

function owners(run) {
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
  return region;
}

// Every delete of a plan, page by page.
function deletes(run) {
  const whole = make('div', null, { className: 'deletes' });
  const form = make('form', null, { className: 'row' });
  const search = make('input', null, { type: 'search', id: `search-${run.run}`, autocomplete: 'off', spellcheck: false });
  const label = make('label', 'What would be deleted', { htmlFor: search.id });
  const find = make('button', 'Search', { type: 'submit', className: 'small' });
  const csv = make('button', 'All as CSV', { type: 'button', className: 'small' });
  form.append(label, search, find, csv);
  const region = make('div', null, { className: 'scroll', tabIndex: 0 });
  region.setAttribute('role', 'region');
  region.setAttribute('aria-label', 'What would be deleted');
  const table = make('table'), head = make('thead'), body = make('tbody'), row = make('tr');
  row.append(make('th', 'Owner', { scope: 'col' }), make('th', 'Cart', { scope: 'col', className: 'text' }));
  head.append(row);
  table.append(head, body);
  region.append(table);
  const note = make('p', '', { className: 'soft' });
  const more = make('button', 'More', { type: 'button', className: 'small', hidden: true });
  whole.append(form, region, note, more);
  let next = null;
  const load = async (path, replaces) => {
    const answer = await read(path);
    if (!answer) return;
    const rows = answer.deletes.map(one => {
      const line = make('tr');
      line.append(
        make('th', `${one.kind} ${one.owner}`, { scope: 'row' }), make('td', one.cart, { className: 'text' }));
      return line;
    });
    if (replaces) body.replaceChildren(...rows); else body.append(...rows);
    next = answer.next || null;
    more.hidden = !next;
    set(note, `${number.format(body.children.length)} shown of ${count(run.deletes, 'delete')}${search.value ? ', those that match' : ''}${next ? '' : ', to the end'}`);
  };
  const path = () => `/api/runs/${run.run}/deletes?limit=10&search=${encodeURIComponent(search.value.trim())}`;
  form.addEventListener('submit', event => { event.preventDefault(); load(path(), true); });
  more.addEventListener('click', () => { if (next) load(next, false); });
  csv.addEventListener('click', async () => {
    const answer = await fetch(`/api/runs/${run.run}/deletes.csv`, { credentials: 'omit', headers: authorization() });
    if (!answer.ok) return say('The list cannot be had now.', 'bad');
    const link = make('a', null, { href: URL.createObjectURL(await answer.blob()), download: `deletes-${run.run}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  load(path(), true);
  return whole;
}

function approval(run) {
  const form = make('form', null, { className: 'approve' });
  let deletes = null;
  if (run.canBeApproved && run.cause !== 'stopped') {
    deletes = make('input', null, {
      type: 'number', id: `deletes-${run.run}`, min: run.deletes, step: 1, value: run.deletes, required: true,
      inputMode: 'numeric' });
    form.append(make('label', 'With at most', { htmlFor: deletes.id }), deletes, make('span', 'deletes'));
  }
  if (run.canBeApproved) {
    const button = make('button', run.cause === 'stopped' ? 'Let it go on' : 'Approve', { type: 'submit', className: 'yes' });
    form.append(button);
    form.addEventListener('submit', event => {
      event.preventDefault();
      order(`/api/runs/${run.run}/approve`, deletes ? { maxDeletes: Number(deletes.value) } : {}, button);
    });
  }
  const decline = make('button', 'Decline', { type: 'button', className: 'no' });
  let isSure = false;
  decline.addEventListener('click', () => {
    if (!isSure) {
      isSure = true;
      set(decline, 'Decline: the export goes to superseded/, nothing is changed');
      return;
    }
    order(`/api/runs/${run.run}/decline`, {}, decline);
  });
  form.append(decline);
  if (!token) form.append(make('p', 'Enter the token above first.', { className: 'soft' }));
  return form;
}

// ---- the token, approving, declining and stopping

const authorization = () => token ? { Authorization: `Bearer ${token}` } : {};

async function read(path) {
  try {
    const answer = await fetch(path, { credentials: 'omit', headers: authorization() });
    return answer.ok ? await answer.json() : null;
  } catch (error) {
    return null;
  }
}

// Whether the service takes what is in the field for its token.
async function takeToken() {
  const field = byId('token'), typed = field.value.trim();
  if (token) return true;
  if (!typed) {
    say('Enter the token first.', 'bad');
    field.focus();
    return false;
  }
  try {
    const answer = await fetch('/api/service', { credentials: 'omit', headers: { Authorization: `Bearer ${typed}` } });
    if (answer.ok) {
      token = typed;
      field.value = '';
      own = await answer.json();
      byId('answer').hidden = true;
      if (service) show(service);
      return true;
    }
    const said = await answer.json();
    say(sentence(said.error), 'bad');
  } catch (error) {
    say('The service does not answer; the token was not looked at.', 'bad');
  }
  field.value = '';
  field.focus();
  return false;
}

async function order(path, body, button) {
  if (!await takeToken()) return;
  button.disabled = true;
  try {
    const answer = await fetch(path, {
      method: 'POST', body: JSON.stringify(body), credentials: 'omit',
      headers: { 'Content-Type': 'application/json', ...authorization() },
    });
    const said = await answer.json();
    say(sentence(answer.ok ? said.message : said.error), answer.ok ? 'good' : 'bad');
    if (answer.status === 401) token = '';
  } catch (error) {
    say('The service does not answer; nothing was approved, declined or stopped.', 'bad');
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

byId('key').addEventListener('submit', event => { event.preventDefault(); takeToken(); });
byId('stop').addEventListener('click', event => {
  if (service && service.run) order(`/api/runs/${service.run.run}/stop`, {}, event.target);
});

// ---- jobs and runs

// How a run ended, with the export that it was of.
function ended(run) {
  if (!run) return 'none yet';
  const what = run.exports.join(', ') || run.command;
  const how = [run.state === 'finished' ? '' : run.state, run.verdict || ''].filter(Boolean).join(': ');
  return `${moment(run.ended || run.started)}: ${what}${how ? `, ${how}` : ''}`;
}

function lying(title, exports, total, tone) {
  const whole = make('div', null, { className: 'lying' });
  const list = make('ul', null, { className: 'plain' });
  whole.append(make('h4', `${title}: ${count(total, 'export')}`), list);
  list.append(...exports.map(one => {
    const line = make('li');
    line.append(make('span', one.name), make('small', `since ${moment(one.since)}`, { className: 'soft' }));
    if (one.reason) line.append(make('small', one.reason, { className: tone }));
    else {
      const file = make('small', 'why: ', { className: 'soft' });
      file.append(make('code', one.file));
      line.append(file);
    }
    return line;
  }));
  if (total > exports.length) list.append(make('li', `and ${number.format(total - exports.length)} older`));
  return whole;
}

function showJobs(jobs) {
  const body = byId('jobs');
  // What only counts down is set anew each second, the rest if it has changed.
  const text = JSON.stringify([jobs.map(job => ({ ...job, nextPollSeconds: 0, pauseSeconds: 0 })), inUTC]);
  if (text !== shownJobs) {
    shownJobs = text;
    body.replaceChildren(...jobs.map(job => {
      const card = make('article'), list = make('dl');
      card.append(make('h3', job.name), make('p', `from ${job.source}`, { className: 'soft' }), list);
      if (job.failedCount) card.append(lying('Failed', job.failed, job.failedCount, 'bad'));
      if (job.waitingCount) card.append(lying('Waiting', job.waiting, job.waitingCount, 'warning'));
      if (job.notes.length) card.append(make('p', job.notes.join('; '), { className: 'soft' }));
      return card;
    }));
  }
  jobs.forEach((job, index) => {
    const list = body.children[index].querySelector('dl');
    const state = job.problems.length ? job.problems.join('; ')
      : job.export ? `syncing ${job.export}` : job.heldBy ? 'held' : 'ready';
    facts(list, [
      ['State', state], ['Held by', job.heldBy],
      ['Last success', ended(job.lastSuccess)],
      ['Last result', job.lastRun && (!job.lastSuccess || job.lastRun.run !== job.lastSuccess.run) ? ended(job.lastRun) : undefined],
      ['Interrupted', job.interrupted.length ? job.interrupted.join('; ') : undefined],
      ['Paused', job.pauseSeconds ? `for ${span(job.pauseSeconds)}` : undefined],
      ['Next look', job.nextPollSeconds === undefined ? '-' : job.nextPollSeconds < 1 ? 'now' : `in ${span(job.nextPollSeconds)}`],
      ['Exports seen', job.exportsWaiting ? `${number.format(job.exportsWaiting)}, not synced yet` : undefined],
    ]);
    list.firstChild.lastChild.className = job.problems.length ? 'bad' : job.heldBy ? 'warning' : 'good';
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
  const took = run.ended ? span((new Date(run.ended) - new Date(run.started)) / 1000) : '';
  row.append(
    name, make('td', run.state, { className: `text ${tone}` }), make('td', number.format(run.creates)),
    make('td', number.format(run.deletes)),
    make('td', run.failed === undefined ? '' : number.format(run.failed), { className: run.failed ? 'bad' : '' }),
    make('td', took));
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
    seenRuns = '';
  }
}

byId('older').addEventListener('click', () => { if (older) loadRuns(older, false); });

// ---- the whole

byId('zone').addEventListener('click', () => {
  inUTC = !inUTC;
  zoneWords();
  for (const element of document.querySelectorAll('time')) element.textContent = moment(element.dateTime);
  if (service) show(service);
});

function zoneWords() {
  const isUTC = new Date().getTimezoneOffset() === 0;
  byId('zone').hidden = isUTC;
  set(byId('zone'), inUTC ? 'Times in my zone' : 'Times in UTC, as run ids have them');
}

// What the service shows with the token takes the place of what it shows everybody, as long as it is of the same moment.
let ownText = '';
function withOwn(view) {
  if (!token) return view;
  const text = JSON.stringify([view.waiting, view.jobs.map(job => [job.failedCount, job.waitingCount]), view.runsSeen]);
  if (text !== ownText) {
    ownText = text;
    own = null;
    read('/api/service').then(answer => { own = answer; });
  }
  if (!own) return view;
  const jobs = view.jobs.map(job => {
    const shown = own.jobs.find(one => one.name === job.name);
    return shown ? { ...job, failed: shown.failed, waiting: shown.waiting } : job;
  });
  return { ...view, waiting: own.waiting, jobs };
}

function show(received) {
  service = received;
  const view = withOwn(received);
  lastSeen = Date.now();
  byId('lost').hidden = true;
  byId('head').className = view.headline.tone;
  set(byId('headline'), view.headline.text);
  const also = byId('also'), text = JSON.stringify(view.also);
  also.hidden = !view.also.length;
  if (also.dataset.text !== text) {
    also.dataset.text = text;
    also.replaceChildren(...view.also.map(line => make('li', line.text, { className: line.tone })));
  }
  document.title = `${clean(view.headline.text)} - cartsync`;
  const limit = `At most ${number.format(view.rate.limit)} calls a second`;
  set(byId('subline'), view.rate.now < view.rate.limit ? `${limit}, now ${number.format(view.rate.now)}.` : `${limit}.`);
  // What it was built from is nothing for the head.
  set(byId('version'), view.version.split(' ')[0]);
  byId('version').title = clean(view.version);
  set(byId('store'), `for the store ${view.store}`);
  showNow(view.run);
  showWaiting(view.waiting);
  byId('key').hidden = Boolean(token) || !view.takesApprovals
    || (!view.run && !view.waiting.some(run => !run.approvedUntil) && !view.jobs.some(job => job.failedCount));
  showJobs(view.jobs);
  const runsSeen = `${view.runsSeen} ${view.run ? view.run.phase : ''}`;
  if (runsSeen !== seenRuns) {
    seenRuns = runsSeen;
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
  byId('also').hidden = true;
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

addEventListener('resize', () => { if (service && service.run) plot(service.run.windows, service.run); });

// A cable that was pulled says nothing at all.
setInterval(() => { if (Date.now() - Math.max(lastSeen, began) > 5000) lose(); }, 1000);
zoneWords();
connect();
