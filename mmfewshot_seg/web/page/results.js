// The images to look in, and what was found in them.

import { classNames, colourOf, state } from './state.js';
import { $, addFiles, ask, attempt, button, element, loadImage, offer, readUrl, say, usableImage } from './dom.js';
import { maskStroke, sentMask } from './paint.js';
import { choose, chooseTool, closePolygon } from './editor.js';
import { addSupport, showCheck } from './supports.js';
import { zip } from './zip.js';

let stopping = null; // AbortController of the run

export async function addQuery({ file, url }) {
  const query = { file, stem: freeStem(file), ...(await usableImage(url, file)), result: null };
  query.picture = element('img', { src: query.url, alt: file });
  const show = element('button', { type: 'button', className: 'show', title: `Enlarge ${file}` }, query.picture);
  show.addEventListener('click', () => view(query));
  const remove = button('×', `Remove ${file}`, () => removeQuery(query), 'remove');
  query.text = element('div', { className: 'found' });
  const caption = element('span', { className: 'file', textContent: file, title: file });
  query.card = element('div', { className: 'card' }, show, caption, query.text, remove);
  state.queries.push(query);
  state.unsaved = true;
  $('queries').append(query.card);
}

// Name of the results of a file: without its ending, and of no other.
function freeStem(file) {
  const stem = file.replace(/\.\w+$/, ''), taken = state.queries.map((query) => query.stem);
  let free = stem;
  for (let i = 2; taken.includes(free); i += 1) free = `${stem}_${i}`;
  return free;
}

function removeQuery(query) {
  state.queries = state.queries.filter((other) => other !== query);
  query.card.remove();
  $('download').disabled = !state.queries.some(({ result }) => result);
}

export function removeQueries() {
  state.queries = [];
  $('download').disabled = true;
  ['queries', 'legend'].forEach((id) => $(id).replaceChildren());
}

// --- Segmenting ----------------------------------------------------------------------------------

export async function segment() {
  const shown = state.supports.filter((support) => !support.negative);
  if (!shown.length) throw new Error('First add an image that shows what you look for, and paint it.');
  if (!state.queries.length) throw new Error('Add an image to look in.');
  shown.forEach((support) => closePolygon(support));
  stopping = new AbortController();
  $('stop').hidden = false;
  try {
    await segmentAll(shown, stopping.signal);
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
    say('Stopped.');
  } finally {
    $('stop').hidden = true;
  }
}

function sendSupports(shown, signal) {
  say('Looking at the supports…');
  return ask('support', {
    supports: shown.map((one) => ({ name: one.name, image: one.url, mask: sentMask(one) })),
    negatives: state.supports.filter((one) => one.negative).map((one) => one.url),
  }, signal);
}

// Which of the supports do not fit the others: each is segmented by these.
async function checkSupports() {
  const shown = state.supports.filter((support) => !support.negative);
  if (!shown.length) throw new Error('First add images that show what you look for, and paint them.');
  shown.forEach((support) => closePolygon(support));
  const { support, classes } = await sendSupports(shown);
  const { checks } = await ask('check', { support });
  // The answer goes class by class, each in the order of the page.
  const inOrder = classes.flatMap((name) => shown.filter((one) => one.name.trim() === name));
  inOrder.forEach((one, i) => showCheck(one, checks[i]));
  const unfit = checks.filter(({ reason }) => reason).length;
  if (unfit) say(`${unfit} of ${checks.length} examples do not fit.`, true);
  else say('Nothing speaks against these examples.');
}

async function segmentAll(shown, signal) {
  const { support, classes } = await sendSupports(shown, signal);
  $('legend').replaceChildren(...classes.map((name, way) => element('span', {}, swatch(way), name)));
  const failed = [], queries = [...state.queries];
  for (const [i, query] of queries.entries()) {
    say(`Segmenting ${i + 1} of ${queries.length}…`);
    try {
      showResult(query, { ...(await ask('segment', { support, image: query.url }, signal)), classes });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      failed.push(`${query.file}: ${error.message}`);
    }
  }
  const done = queries.length - failed.length;
  if (failed.length) say(`Done: ${done} of ${queries.length} images. ${failed.join('; ')}`, true);
  else say(`Done: ${done} image${done > 1 ? 's' : ''}.`);
}

function swatch(way) {
  const made = element('span', { className: 'swatch' });
  made.style.background = colourOf(way);
  return made;
}

function showResult(query, result) {
  query.result = result;
  query.picture.src = result.overlay;
  const found = result.classes.map((name, way) => element(
    'span', { className: 'class' },
    swatch(way), `${name} ${(100 * result.shares[way]).toFixed(1)} %${result.found[way] ? '' : ', probably not in it'} `,
    button('✎ correct', `Correct ${name} in ${query.file}: it becomes an example`, () => attempt(() => correct(query, way)), 'small'),
  ));
  const links = [
    element('a', { href: result.labels, download: `${query.stem}.png`, textContent: 'label map' }),
    element('a', { href: result.overlay, download: `${query.stem}_overlay.jpg`, textContent: 'overlay' }),
  ];
  if (state.takesNegatives) {
    const title = `${query.file} shows none of the classes: make it an example of that`;
    links.push(button('shows none', title, () => attempt(() => useAsNegative(query)), 'small'));
  }
  query.text.replaceChildren(element('p', {}, ...found), element('p', { className: 'links' }, ...links));
  $('download').disabled = false;
}

// --- A result becomes an example -----------------------------------------------------------------

async function correct(query, way) {
  const { labels, classes } = query.result;
  const stroke = maskStroke(await loadImage(labels, query.file), state.colours[way]);
  await useAsSupport(query, { name: classes[way], strokes: [stroke] });
  say(`Correct ${classes[way]} in ${query.file} by brush and eraser, then press Segment.`);
}

async function useAsNegative(query) {
  await useAsSupport(query, { name: classNames()[0] || '', negative: true });
  say(`${query.file} is an example of background now: press Segment.`);
}

async function useAsSupport({ file, url }, more) {
  const support = await addSupport({ file, url, ...more });
  chooseTool('brush');
  choose(support);
  $('editor').scrollIntoView({ block: 'nearest' });
  support.show.focus({ preventScroll: true });
}

// --- Files ---------------------------------------------------------------------------------------

function bytesOf(url) {
  return Uint8Array.from(atob(url.split(',')[1]), (letter) => letter.charCodeAt(0));
}

// As the inferencer writes them into a folder.
async function downloadAll() {
  const done = state.queries.filter((query) => query.result);
  say('Writing files…');
  const { coco, areas, labelme } = await ask('files', {
    results: done.map(({ stem, file, result }) => ({
      result: result.result,
      file: stem + (file.match(/\.\w+$/) || ['.png'])[0],
    })),
  });
  const classes = done.map(({ stem, result }) => (
    `${stem}.png: ${['background', ...result.classes].map((name, value) => `${value} ${name}`).join(', ')}\n`
  ));
  const text = (name, content) => ({ name, bytes: new TextEncoder().encode(content) });
  offer(zip([
    ...done.map(({ stem, result }) => ({ name: `pred/${stem}.png`, bytes: bytesOf(result.labels) })),
    ...done.map(({ stem, result }) => ({ name: `vis/${stem}.jpg`, bytes: bytesOf(result.overlay) })),
    ...done.map(({ stem }, i) => text(`labelme/${stem}.json`, labelme[i])),
    text('coco.json', coco),
    text('areas.csv', areas),
    text('classes.txt', classes.join('')),
  ]), 'results.zip');
  say(`results.zip has ${done.length} image${done.length > 1 ? 's' : ''}.`);
}

export async function addQueryFile(file) {
  await addQuery({ file: file.name, url: await readUrl(file) });
}

$('query-files').addEventListener('change', ({ target }) => {
  const files = [...target.files];
  target.value = '';
  attempt(() => addFiles(files, addQueryFile));
});
$('segment').addEventListener('click', () => attempt(segment));
$('check').addEventListener('click', () => attempt(checkSupports));
$('stop').addEventListener('click', () => stopping.abort());
$('download').addEventListener('click', () => attempt(downloadAll));

// --- Enlarged ------------------------------------------------------------------------------------

let viewed = null, bare = false;

function view(query) {
  viewed = query;
  if (!$('viewer').open) {
    bare = false;
    $('viewer').showModal();
  }
  const { result } = query;
  $('viewer-picture').src = result && !bare ? result.overlay : query.url;
  $('viewer-file').textContent = query.file;
  $('viewer-toggle').hidden = !result;
  $('viewer-toggle').textContent = bare ? 'With result' : 'Without result';
}

function viewNext(by) {
  const { queries } = state;
  view(queries[(queries.indexOf(viewed) + by + queries.length) % queries.length]);
}

$('viewer-toggle').addEventListener('click', () => {
  bare = !bare;
  view(viewed);
});
$('viewer-close').addEventListener('click', () => $('viewer').close());
$('viewer').addEventListener('keydown', (event) => {
  if (event.key === 'ArrowRight') viewNext(1);
  if (event.key === 'ArrowLeft') viewNext(-1);
});
