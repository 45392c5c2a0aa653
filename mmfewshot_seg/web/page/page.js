// The page begins: examples, files that are dropped, the warning before work is lost.

import { state } from './state.js';
import { $, addFiles, ask, attempt, element, loadImage } from './dom.js';
import { drawSupport } from './paint.js';
import { redraw } from './editor.js';
import { addSupport, addSupportFiles, removeSupports } from './supports.js';
import { addQuery, addQueryFile, removeQueries, segment } from './results.js';

async function showExample({ name, support, strokes, query }) {
  if (state.unsaved && !confirm('Replace the images on this page?')) return;
  removeSupports();
  removeQueries();
  await addSupport({ file: `${name} shown.png`, name, url: support, strokes });
  await addQuery({ file: `${name}.png`, url: query });
  state.unsaved = false;
  $('queries').scrollIntoView({ behavior: 'smooth', block: 'nearest' });
  await segment();
}

async function exampleButton(example) {
  const thumb = element('canvas');
  const image = await loadImage(example.support, example.name);
  drawSupport({ ...example, image }, thumb, 160 / image.naturalWidth, { strokes: example.strokes, open: null });
  const caption = element('span', { textContent: example.name });
  const button = element('button', { type: 'button', title: 'Show this example' }, thumb, caption);
  button.addEventListener('click', () => attempt(() => showExample(example)));
  return button;
}

async function start() {
  const answer = await ask('start', {});
  state.colours = answer.colours;
  state.takesNegatives = answer.negatives;
  state.maxPixels = answer.max_pixels;
  const buttons = await Promise.all(answer.examples.map(exampleButton));
  $('examples').replaceChildren(element('p', { textContent: answer.hint || 'Try an example:' }), ...buttons);
  redraw();
}

document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault(); // the browser would leave the page and open the file
  const files = [...event.dataTransfer.files];
  if (!files.length) return;
  attempt(() => (event.target.closest?.('#find') ? addFiles(files, addQueryFile) : addSupportFiles(files)));
});
addEventListener('beforeunload', (event) => {
  if (state.unsaved) event.preventDefault();
});

attempt(start);
