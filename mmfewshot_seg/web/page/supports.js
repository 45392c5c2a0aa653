// The images that show what is sought: their cards, and the support set as a file.

import { History, state } from './state.js';
import { $, addEach, addFiles, ask, attempt, button, element, offer, readUrl, say, usableImage } from './dom.js';
import { plainStroke, sizeOf, strokeOf } from './paint.js';
import { choose, redraw } from './editor.js';

const FORMAT = 'mmfewshot_seg support set';

export async function addSupport({ file, name, url, strokes = [], negative = false }) {
  const support = { file, name, negative, ...(await usableImage(url, file)) };
  support.history = new History({ strokes, open: null });
  support.thumb = element('canvas');
  support.show = element('button', { type: 'button', className: 'show', title: `Mark on ${file}` }, support.thumb);
  support.show.addEventListener('click', () => choose(support));
  support.field = element('input', { value: name, placeholder: 'class name', title: 'Class name' });
  support.name = support.field.value; // without line breaks
  support.field.setAttribute('list', 'class-names');
  support.field.setAttribute('aria-label', `Class of ${file}`);
  support.field.hidden = negative;
  support.field.addEventListener('input', () => {
    support.name = support.field.value;
    redraw();
  });
  const caption = element('span', { className: 'file', textContent: file, title: file });
  const remove = button('×', `Remove ${file}`, () => removeSupport(support), 'remove');
  support.check = element('span', { className: 'check' });
  support.card = element('div', { className: 'card' }, support.show, caption, support.field, support.check, remove);
  if (state.takesNegatives || negative) support.card.append(negativeBox(support));
  state.supports.push(support);
  state.unsaved = true;
  $('supports').append(support.card);
  if (state.chosen) redraw();
  else choose(support);
  return support;
}

function negativeBox(support) {
  const box = element('input', { type: 'checkbox', checked: support.negative });
  box.addEventListener('change', () => {
    support.negative = support.field.hidden = box.checked;
    state.unsaved = true;
    choose(support);
  });
  const title = 'This image shows none of the classes: all of it is background';
  return element('label', { className: 'negative-box', title }, box, ' shows none');
}

// Writes on the card what the others find in an example, and why it does not fit.
export function showCheck(support, { iou, reason }) {
  const seen = iou === null ? '' : `by the others: IoU ${iou.toFixed(2)}`;
  support.check.textContent = [seen, reason].filter(Boolean).join('; ');
  support.check.classList.toggle('error', Boolean(reason));
}

function removeSupport(support) {
  state.supports = state.supports.filter((other) => other !== support);
  support.card.remove();
  if (state.chosen === support) choose(state.supports[0] || null);
  else redraw();
}

export function removeSupports() {
  state.supports = [];
  $('supports').replaceChildren();
  choose(null);
}

// --- Files ---------------------------------------------------------------------------------------

// Images, sets that this page has saved, and files of annotations with the images that they mark.
export async function addSupportFiles(files) {
  const annotations = [];
  for (const file of files) {
    if (/\.(json|xml)$/i.test(file.name) && !await isSet(file)) annotations.push(file);
  }
  if (annotations.length) await addMarked(files.filter((file) => !annotations.includes(file)), annotations);
  else await addFiles(files, addSupportFile);
}

async function addSupportFile(file) {
  if (await isSet(file)) {
    await loadSet(file);
    return;
  }
  const name = state.chosen && !state.chosen.negative ? state.chosen.name : 'object';
  await addSupport({ file: file.name, name, url: await readUrl(file) });
}

async function isSet(file) {
  return (await file.slice(0, 100).text()).includes(FORMAT);
}

// Examples of the classes that files of annotations mark in images.
async function addMarked(files, annotations) {
  const images = new Map();
  const failed = await addEach(files, async (file) => {
    if (await isSet(file)) await loadSet(file);
    else images.set(file, await usableImage(await readUrl(file), file.name));
  });
  say('Reading annotations…');
  const { examples, errors, unmarked } = await ask('annotations', {
    images: [...images].map(([{ name }, { image }]) => ({ name, ...sizeOf(image) })),
    files: await Promise.all(annotations.map(async (file) => ({ name: file.name, content: await readUrl(file) }))),
  });
  const urls = new Map([...images].map(([{ name }, { url }]) => [name, url]));
  for (const { image, name, strokes } of examples) {
    const painted = await Promise.all(strokes.map((stroke) => strokeOf(stroke, image)));
    await addSupport({ file: image, name, url: urls.get(image), strokes: painted });
  }
  const number = examples.length, wrong = [...failed, ...errors];
  const told = [`Added ${number} example${number === 1 ? '' : 's'}.`];
  const more = unmarked.length > 5 ? ` and ${unmarked.length - 5} more` : '';
  if (unmarked.length) told.push(`Nothing is marked in ${unmarked.slice(0, 5).join(', ')}${more}.`);
  if (wrong.length) told.push(`Left out: ${wrong.join('; ')}.`);
  say(told.join(' '), wrong.length > 0);
}

function saveSet() {
  const supports = state.supports.map(({ file, name, negative, url, history }) => ({
    file, name, negative, url, strokes: history.now.strokes.map(plainStroke),
  }));
  offer(new Blob([JSON.stringify({ format: FORMAT, version: 1, supports })]), 'support_set.json');
  state.unsaved = false;
}

async function loadSet(file) {
  let content = null;
  try {
    content = JSON.parse(await file.text());
  } catch {
    // told below
  }
  if (!content || content.format !== FORMAT || content.version !== 1 || !Array.isArray(content.supports)) {
    throw new Error(`${file.name} is no support set that this page has saved`);
  }
  for (const [i, support] of content.supports.entries()) {
    const where = `image ${i + 1} of ${file.name}`;
    const { file: name, name: title, negative, url, strokes } = support || {};
    if (typeof name !== 'string' || typeof title !== 'string' || !/^data:image\//.test(url) || !Array.isArray(strokes)) {
      throw new Error(`${where} cannot be understood`);
    }
    const painted = await Promise.all(strokes.map((stroke) => strokeOf(stroke || {}, where)));
    await addSupport({ file: name, name: title, url, strokes: painted, negative: negative === true });
  }
}

for (const [id, add] of [['support-files', addSupportFiles], ['set-file', (files) => addFiles(files, loadSet)]]) {
  $(id).addEventListener('change', ({ target }) => {
    const files = [...target.files];
    target.value = '';
    attempt(() => add(files));
  });
}
$('save').addEventListener('click', saveSet);
