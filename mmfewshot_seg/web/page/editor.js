// The editor: tools on the canvas, by pointer and by keyboard.
//
// A gesture shows a draft of the drawing {strokes, open} and becomes a step of the support's history
// when it ends. `open` are the corners of a polygon that is not closed yet; they stay with the
// support when another tool or image is chosen.

import { classNames, state } from './state.js';
import { $ } from './dom.js';
import { drawSupport, sizeOf } from './paint.js';

const HINTS = {
  brush: 'Paint the object. The rest counts as background, unless you scribble on that too.',
  polygon: 'Click the corners; the first one, a double-click or Enter closes. Corners can be dragged.',
  box: 'Drag a box around the object: all of it counts as the class.',
  background: 'A few strokes here and a few with the brush on the object will do: the rest is left open.',
  eraser: 'Wipe paint away.',
};
const NEAR = 10; // pixels of the screen within which a corner is meant
const canvas = $('canvas');
let tool = 'brush', zoom = 1;
let draft = null; // the drawing as the gesture leaves it
let move = null; // what a gesture does when the pointer moves
let cursor = null; // where the keyboard is

export function redraw() {
  state.supports.forEach((support) => {
    const { width, height } = sizeOf(support.image);
    drawSupport(support, support.thumb, 240 / Math.max(width, height), marksOf(support));
    support.card.classList.toggle('chosen', support === state.chosen);
    support.show.setAttribute('aria-pressed', support === state.chosen);
  });
  $('save').disabled = !state.supports.length;
  $('editor').hidden = !state.chosen;
  $('class-names').replaceChildren(...classNames().map((name) => new Option(name)));
  if (state.chosen) redrawCanvas();
}

function marksOf(support) {
  return support.negative ? { strokes: [], open: null } : support.history.now;
}

function redrawCanvas() {
  const { chosen } = state;
  const { width, height } = sizeOf(chosen.image);
  const longest = Math.max(width, height);
  const scale = Math.min(Math.max(480 / longest, 1), 1400 * zoom / longest, 4096 / longest);
  drawSupport(chosen, canvas, scale, draft || marksOf(chosen), tool === 'polygon');
  const fits = Math.min($('editor').clientWidth, 0.62 * innerHeight * width / height);
  canvas.style.width = `${Math.round(fits * zoom)}px`;
  if (cursor) drawCursor(cursor[0] * scale, cursor[1] * scale);
  $('editor').classList.toggle('negative', chosen.negative);
  $('editing').textContent = chosen.negative ? `${chosen.file}: all of it is background` : chosen.file;
  $('undo').disabled = chosen.history.at === 0;
  $('redo').disabled = chosen.history.at === chosen.history.steps.length - 1;
}

function drawCursor(x, y) {
  const context = canvas.getContext('2d');
  for (const [colour, width] of [['white', 4], ['black', 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    [[x - 12, y, x + 12, y], [x, y - 12, x, y + 12]].forEach(([x0, y0, x1, y1]) => {
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    });
    context.stroke();
  }
}

export function choose(support) {
  drop();
  state.chosen = support;
  cursor = null;
  redraw();
}

export function chooseTool(name) {
  drop();
  tool = name;
  document.querySelectorAll('#tools [data-tool]').forEach((one) => {
    one.classList.toggle('chosen', one.dataset.tool === name);
    one.setAttribute('aria-pressed', one.dataset.tool === name);
  });
  $('tool-hint').textContent = HINTS[name];
  if (state.chosen) redrawCanvas();
}

// --- Gestures ------------------------------------------------------------------------------------

function now() {
  return state.chosen.history.now;
}

function commit(drawing) {
  draft = move = null;
  state.chosen.history.commit(drawing);
  redraw();
}

function drop() {
  draft = move = null;
}

// Pixels of the image for one of the screen.
function perPixel() {
  return sizeOf(state.chosen.image).width / canvas.getBoundingClientRect().width;
}

function press(point) {
  if (tool === 'polygon') {
    pressCorner(point);
  } else {
    const stroke = { tool, width: $('width').value * perPixel(), points: [point] };
    draft = { ...now(), strokes: [...now().strokes, stroke] };
    move = (to) => stroke.points.push(to);
  }
  redrawCanvas();
}

function pressCorner(point) {
  const { strokes, open } = now();
  const isNear = ([x, y]) => Math.hypot(x - point[0], y - point[1]) < NEAR * perPixel();
  if (open && open.length > 2 && isNear(open[0])) {
    closePolygon();
    return;
  }
  const dragged = (points) => {
    const corner = points.findIndex(isNear), copy = [...points];
    move = (to) => { copy[corner] = to; };
    return copy;
  };
  const index = strokes.findIndex((stroke) => stroke.tool === 'polygon' && stroke.points.some(isNear));
  if (open && open.some(isNear)) {
    draft = { strokes, open: dragged(open), unmoved: true };
  } else if (index >= 0 && !open) {
    const stroke = { ...strokes[index], points: dragged(strokes[index].points) };
    draft = { strokes: strokes.map((one, i) => (i === index ? stroke : one)), open, unmoved: true };
  } else {
    const corners = [...(open || []), point];
    draft = { strokes, open: corners };
    move = (to) => { corners[corners.length - 1] = to; };
  }
}

function moveTo(point) {
  if (!move) return;
  move(point);
  delete draft.unmoved;
  redrawCanvas();
}

function release() {
  if (!draft) return;
  if (draft.unmoved) drop(); // a corner was touched, not dragged
  else commit(draft);
}

export function closePolygon(support = state.chosen) {
  const { strokes, open } = support.history.now;
  if (!open) return;
  drop();
  const closed = open.length > 2 ? [{ tool: 'polygon', width: 1, points: open }] : [];
  support.history.commit({ strokes: [...strokes, ...closed], open: null });
  redraw();
}

function escape() {
  if (draft) drop();
  else if (now().open) commit({ ...now(), open: null });
  redraw();
}

function back() {
  const { strokes, open } = now();
  if (open) commit({ strokes, open: open.length > 1 ? open.slice(0, -1) : null });
  else step('undo');
}

function step(direction) {
  if (!state.chosen) return;
  if (draft) drop();
  else state.chosen.history[direction]();
  redraw();
}

// --- Pointer -------------------------------------------------------------------------------------

function position(event) {
  const box = canvas.getBoundingClientRect(), { width, height } = sizeOf(state.chosen.image);
  return [(event.clientX - box.left) / box.width * width, (event.clientY - box.top) / box.height * height];
}

canvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0 || state.chosen.negative) return;
  event.preventDefault();
  canvas.focus({ preventScroll: true });
  canvas.setPointerCapture(event.pointerId);
  cursor = null;
  press(position(event));
});
canvas.addEventListener('pointermove', (event) => moveTo(position(event)));
canvas.addEventListener('pointerup', release);
canvas.addEventListener('pointercancel', () => { drop(); redraw(); }); // fingers that zoom
canvas.addEventListener('dblclick', () => tool === 'polygon' && closePolygon());

// --- Keyboard ------------------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function moveCursor([x, y], fine) {
  const { width, height } = sizeOf(state.chosen.image);
  const by = fine ? perPixel() : Math.max(width, height) / 40;
  const from = cursor || [width / 2, height / 2];
  cursor = [Math.min(Math.max(from[0] + x * by, 0), width), Math.min(Math.max(from[1] + y * by, 0), height)];
  moveTo(cursor);
  redrawCanvas();
}

function pressCursor() {
  if (state.chosen.negative) return;
  if (!cursor) moveCursor([0, 0]); // to the middle
  if (draft) release();
  else press(cursor);
  if (tool === 'polygon') release();
  redrawCanvas();
}

canvas.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (ARROWS[event.key]) moveCursor(ARROWS[event.key], event.shiftKey);
  else if (event.key === ' ') pressCursor();
  else if (event.key === 'Enter') now().open ? closePolygon() : pressCursor();
  else if (event.key === 'Escape') escape();
  else if (event.key === 'Backspace' || event.key === 'Delete') back();
  else if (event.key === '+') zoomBy(1.25);
  else if (event.key === '-') zoomBy(0.8);
  else return;
  event.preventDefault();
});
canvas.addEventListener('blur', () => {
  cursor = null;
  if (state.chosen) redrawCanvas();
});

document.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.target.matches('input:not([type=range])')) return;
  const key = event.key.toLowerCase();
  if (key !== 'z' && key !== 'y') return;
  event.preventDefault();
  step(key === 'y' || event.shiftKey ? 'redo' : 'undo');
});

// --- Zoom ----------------------------------------------------------------------------------------

// The point of the canvas at (x, y) of the screen, by default in the middle of what is seen, stays.
function zoomBy(factor, x, y) {
  const stage = $('stage'), seen = stage.getBoundingClientRect(), box = canvas.getBoundingClientRect();
  const at = [x ?? seen.left + seen.width / 2, y ?? seen.top + seen.height / 2];
  const part = [(at[0] - box.left) / box.width, (at[1] - box.top) / box.height];
  zoom = Math.min(Math.max(zoom * factor, 1), 8);
  redrawCanvas();
  const after = canvas.getBoundingClientRect();
  stage.scrollLeft += after.left + part[0] * after.width - at[0];
  stage.scrollTop += after.top + part[1] * after.height - at[1];
}

canvas.addEventListener('wheel', (event) => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  zoomBy(event.deltaY < 0 ? 1.25 : 0.8, event.clientX, event.clientY);
}, { passive: false });
$('zoom-in').addEventListener('click', () => zoomBy(1.25));
$('zoom-out').addEventListener('click', () => zoomBy(0.8));
addEventListener('resize', () => state.chosen && redrawCanvas());

document.querySelectorAll('#tools [data-tool]').forEach((one) => {
  one.addEventListener('click', () => chooseTool(one.dataset.tool));
});
$('undo').addEventListener('click', () => step('undo'));
$('redo').addEventListener('click', () => step('redo'));
$('clear').addEventListener('click', () => commit({ strokes: [], open: null }));
chooseTool('brush');
