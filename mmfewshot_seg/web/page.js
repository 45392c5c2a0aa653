'use strict';

// A support is {name, url, image, strokes, card, thumb, field}. Its mask is the list of its
// strokes {tool, width, points}, painted anew when needed, so that undoing is dropping the last.
const HINTS = {
  brush: 'Paint the object. The rest counts as background, unless you scribble on that too.',
  polygon: 'Click the corners; click the first one or double-click to close.',
  box: 'Drag a box around the object: all of it counts as the class.',
  background: 'A few strokes here and a few with the brush on the object will do: the rest is left open.',
  eraser: 'Wipe paint away.',
};
const $ = (id) => document.getElementById(id);
const canvas = $('canvas');
let supports = [], queries = [], chosen = null, stroke = null, tool = 'brush';
let colours = []; // RGB of each class, from the server
let ownImages = false; // whether there is work that an example must not wipe out unasked

// --- Masks ---------------------------------------------------------------------------------------

function paintStroke(context, { tool, width, points }, colours) {
  context.globalCompositeOperation = tool === 'eraser' ? 'destination-out' : 'source-over';
  context.fillStyle = context.strokeStyle = tool === 'background' ? colours.background : colours.object;
  context.lineWidth = width;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  if (tool === 'box') {
    const [[x0, y0], [x1, y1]] = [points[0], points[points.length - 1]];
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    return;
  }
  points.forEach(([x, y]) => context.lineTo(x, y));
  if (tool === 'polygon') {
    context.fill();
    return;
  }
  if (points.length === 1) context.lineTo(points[0][0], points[0][1] + 0.01); // a dot
  context.stroke();
}

function maskOf(support, strokes, colours) {
  const mask = document.createElement('canvas');
  mask.width = support.image.naturalWidth;
  mask.height = support.image.naturalHeight;
  const context = mask.getContext('2d');
  strokes.forEach((stroke) => paintStroke(context, stroke, colours));
  return mask;
}

function classNames() {
  return [...new Set(supports.map((support) => support.name.trim()))];
}

function colourOf(way) {
  return `rgb(${colours[way % colours.length]})`;
}

function drawSupport(support, target, scale, current = null) {
  const { naturalWidth: width, naturalHeight: height } = support.image;
  target.width = Math.max(Math.round(width * scale), 1);
  target.height = Math.max(Math.round(height * scale), 1);
  const context = target.getContext('2d');
  context.drawImage(support.image, 0, 0, target.width, target.height);
  const finished = current && current.tool !== 'polygon' ? [...support.strokes, current] : support.strokes;
  const object = colourOf(Math.max(classNames().indexOf(support.name.trim()), 0));
  context.globalAlpha = 0.55;
  const mask = maskOf(support, finished, { object, background: 'rgb(70,70,70)' });
  context.drawImage(mask, 0, 0, target.width, target.height);
  context.globalAlpha = 1;
  if (current && current.tool === 'polygon') {
    context.scale(scale, scale);
    context.strokeStyle = context.fillStyle = object;
    context.lineWidth = 2 / scale;
    context.beginPath();
    current.points.forEach(([x, y]) => context.lineTo(x, y));
    context.stroke();
    current.points.forEach(([x, y]) => context.fillRect(x - 3 / scale, y - 3 / scale, 6 / scale, 6 / scale));
  }
}

function redraw() {
  supports.forEach((support) => {
    drawSupport(support, support.thumb, 240 / Math.max(support.image.naturalWidth, support.image.naturalHeight));
    support.card.classList.toggle('chosen', support === chosen);
  });
  $('editor').hidden = !chosen;
  if (chosen) redrawEditor();
  $('class-names').replaceChildren(...classNames().map((name) => new Option(name)));
}

function redrawEditor() {
  const longest = Math.max(chosen.image.naturalWidth, chosen.image.naturalHeight);
  drawSupport(chosen, canvas, Math.min(Math.max(480 / longest, 1), 1400 / longest), stroke);
}

// --- Painting ------------------------------------------------------------------------------------

function position(event) {
  const box = canvas.getBoundingClientRect();
  return [
    (event.clientX - box.left) / box.width * chosen.image.naturalWidth,
    (event.clientY - box.top) / box.height * chosen.image.naturalHeight,
  ];
}

function penWidth() {
  return $('width').value * chosen.image.naturalWidth / canvas.getBoundingClientRect().width;
}

function finish() {
  if (stroke && (stroke.tool !== 'polygon' || stroke.points.length > 2)) chosen.strokes.push(stroke);
  stroke = null;
  redraw();
}

canvas.addEventListener('pointerdown', (event) => {
  event.preventDefault();
  if (tool === 'polygon') {
    const point = position(event), start = stroke && stroke.points[0];
    const near = canvas.getBoundingClientRect().width / chosen.image.naturalWidth;
    if (start && stroke.points.length > 2 && Math.hypot(point[0] - start[0], point[1] - start[1]) * near < 10) {
      finish();
      return;
    }
    stroke = stroke || { tool, width: 1, points: [] };
    stroke.points.push(point);
    redrawEditor();
    return;
  }
  canvas.setPointerCapture(event.pointerId);
  stroke = { tool, width: penWidth(), points: [position(event)] };
  redrawEditor();
});

canvas.addEventListener('pointermove', (event) => {
  if (!stroke || stroke.tool === 'polygon') return;
  stroke.points.push(position(event));
  redrawEditor();
});

canvas.addEventListener('pointerup', () => stroke && stroke.tool !== 'polygon' && finish());
canvas.addEventListener('pointercancel', () => stroke && stroke.tool !== 'polygon' && finish());
canvas.addEventListener('dblclick', finish);

function chooseTool(name) {
  tool = name;
  stroke = null;
  document.querySelectorAll('#tools [data-tool]').forEach((button) => {
    button.classList.toggle('chosen', button.dataset.tool === name);
  });
  $('tool-hint').textContent = HINTS[name];
  if (chosen) redrawEditor();
}

document.querySelectorAll('#tools [data-tool]').forEach((button) => {
  button.addEventListener('click', () => chooseTool(button.dataset.tool));
});

function undo() {
  if (!chosen) return;
  if (stroke) stroke = null;
  else chosen.strokes.pop();
  redraw();
}

$('undo').addEventListener('click', undo);
$('clear').addEventListener('click', () => {
  chosen.strokes = [];
  stroke = null;
  redraw();
});
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === 'z' && event.target.tagName !== 'INPUT') undo();
});

// --- Images --------------------------------------------------------------------------------------

function read(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
}

function load(url, name) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(`${name} is not an image that this browser shows`));
    image.src = url;
  });
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

async function addSupport(url, name, strokes = []) {
  const support = { name, url, image: await load(url, name), strokes };
  support.thumb = element('canvas', { title: 'Paint on this image' });
  support.field = element('input', { value: name, placeholder: 'class name', title: 'Class name' });
  support.field.setAttribute('list', 'class-names');
  const remove = element('button', { className: 'remove', textContent: '×', title: 'Remove' });
  support.card = element('div', { className: 'card' }, support.thumb, support.field, remove);
  support.thumb.addEventListener('click', () => {
    chosen = support;
    stroke = null;
    redraw();
  });
  support.field.addEventListener('input', () => {
    support.name = support.field.value;
    redraw();
  });
  remove.addEventListener('click', () => {
    supports = supports.filter((other) => other !== support);
    support.card.remove();
    if (chosen === support) chosen = supports[0] || null;
    redraw();
  });
  supports.push(support);
  $('supports').append(support.card);
  chosen = chosen || support;
  redraw();
}

async function addQuery(url, name) {
  await load(url, name);
  const query = { url, name };
  query.picture = element('img', { src: url, title: 'Click: with and without the result' });
  query.text = element('p');
  const remove = element('button', { className: 'remove', textContent: '×', title: 'Remove' });
  query.card = element('div', { className: 'card' }, query.picture, query.text, remove);
  query.picture.addEventListener('click', () => {
    if (query.overlay) query.picture.src = query.picture.src === query.url ? query.overlay : query.url;
  });
  remove.addEventListener('click', () => {
    queries = queries.filter((other) => other !== query);
    query.card.remove();
  });
  queries.push(query);
  $('queries').append(query.card);
}

// --- The server ----------------------------------------------------------------------------------

async function ask(path, content) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(content),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function say(text, isError = false) {
  $('message').textContent = text;
  $('message').classList.toggle('error', isError);
}

// Runs a step with the buttons locked; tells what goes wrong.
async function attempt(step) {
  const buttons = document.querySelectorAll('#segment, #examples button');
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await step();
  } catch (error) {
    say(error.message, true);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

async function segment() {
  if (!supports.length) throw new Error('First add an image that shows what you look for, and paint it.');
  if (!queries.length) throw new Error('Add an image to look in.');
  say('Looking at the supports…');
  const paint = { object: 'rgb(255,0,0)', background: 'rgb(0,0,255)' };
  const { support, classes } = await ask('support', {
    supports: supports.map((support) => ({
      name: support.name,
      image: support.url,
      mask: maskOf(support, support.strokes, paint).toDataURL('image/png'),
    })),
  });
  $('legend').replaceChildren(...classes.map((name, way) => {
    const swatch = element('span', { className: 'swatch' });
    swatch.style.background = colourOf(way);
    return element('span', {}, swatch, name);
  }));
  for (const [i, query] of queries.entries()) {
    say(`Segmenting ${i + 1} of ${queries.length}…`);
    const answer = await ask('segment', { support, image: query.url });
    query.overlay = query.picture.src = answer.overlay;
    query.labels = answer.labels;
    const shares = classes.map((name, way) => `${name} ${(100 * answer.shares[way]).toFixed(1)} %`);
    const stem = query.name.replace(/\.\w+$/, '');
    const link = element('a', { href: answer.labels, download: `${stem}.png`, textContent: 'label map' });
    query.text.replaceChildren(`${shares.join(', ')} · `, link);
  }
  say(`Done: ${queries.length} image${queries.length > 1 ? 's' : ''}.`);
}

async function addFiles(event, add) {
  const files = [...event.target.files];
  event.target.value = '';
  ownImages = true;
  await attempt(async () => {
    for (const file of files) await add(await read(file), file.name);
    say('');
  });
}

$('support-files').addEventListener('change', (event) => {
  addFiles(event, (url) => addSupport(url, chosen ? chosen.name : 'object'));
});
$('query-files').addEventListener('change', (event) => addFiles(event, addQuery));
$('segment').addEventListener('click', () => attempt(segment));

// --- Examples ------------------------------------------------------------------------------------

async function showExample({ name, support, strokes, query }) {
  if (ownImages && !confirm('Replace the images on this page?')) return;
  ownImages = false;
  supports = [];
  queries = [];
  chosen = stroke = null;
  ['supports', 'queries', 'legend'].forEach((id) => $(id).replaceChildren());
  await addSupport(support, name, [...strokes]);
  await addQuery(query, `${name}.png`);
  $('queries').scrollIntoView({ behavior: 'smooth', block: 'nearest' });
  await segment();
}

async function exampleButton(example) {
  const thumb = element('canvas');
  const image = await load(example.support, example.name);
  drawSupport({ ...example, image }, thumb, 160 / image.naturalWidth);
  const caption = element('span', { textContent: example.name });
  const button = element('button', { title: 'Show this example' }, thumb, caption);
  button.addEventListener('click', () => attempt(() => showExample(example)));
  return button;
}

async function start() {
  const answer = await ask('start', {});
  colours = answer.colours;
  const buttons = await Promise.all(answer.examples.map(exampleButton));
  $('examples').replaceChildren(element('p', { textContent: answer.hint || 'Try an example:' }), ...buttons);
  redraw();
}

chooseTool('brush');
attempt(start);
