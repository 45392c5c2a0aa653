// Masks. A mask is the list of its strokes {tool, width, points}, painted anew when needed. The
// stroke of a mask that was not drawn here has a `picture` instead, a canvas that is opaque where it
// paints: 'mask' the class, 'background' what is not the class.

import { classNames, colourOf } from './state.js';
import { element, loadImage } from './dom.js';

const TOOLS = ['brush', 'polygon', 'box', 'background', 'eraser', 'mask'];
const SENT_PIXELS = 4e6; // the server looks at no more

export const SENT_COLOURS = { object: 'rgb(255,0,0)', background: 'rgb(0,0,255)' };

function paintStroke(context, size, stroke, colours) {
  const { tool, width, points } = stroke;
  context.globalCompositeOperation = tool === 'eraser' ? 'destination-out' : 'source-over';
  context.fillStyle = context.strokeStyle = tool === 'background' ? colours.background : colours.object;
  if (stroke.picture) {
    context.drawImage(tinted(stroke.picture, context.fillStyle, context.canvas), 0, 0, size.width, size.height);
    return;
  }
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

// The picture in one colour, of the size at which it is seen.
function tinted(picture, colour, { width, height }) {
  const canvas = element('canvas', { width, height });
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0, width, height);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
  return canvas;
}

// Canvas of the strokes over an image of this size, made smaller or larger by `scale`.
export function maskOf(size, strokes, colours, scale = 1) {
  const mask = element('canvas', {
    width: Math.max(Math.round(size.width * scale), 1),
    height: Math.max(Math.round(size.height * scale), 1),
  });
  const context = mask.getContext('2d');
  context.scale(mask.width / size.width, mask.height / size.height);
  strokes.forEach((stroke) => paintStroke(context, size, stroke, colours));
  return mask;
}

export function sizeOf(image) {
  return { width: image.naturalWidth, height: image.naturalHeight };
}

// What the server gets of a support's mask.
export function sentMask(support) {
  const size = sizeOf(support.image);
  const scale = Math.min(Math.sqrt(SENT_PIXELS / (size.width * size.height)), 1);
  return maskOf(size, support.history.now.strokes, SENT_COLOURS, scale).toDataURL('image/png');
}

// Draws a support and its mask. `open` are the corners of a polygon that is not closed yet, or null;
// with `handles` corners are shown that can be dragged.
export function drawSupport(support, target, scale, { strokes, open }, handles = false) {
  const size = sizeOf(support.image);
  target.width = Math.max(Math.round(size.width * scale), 1);
  target.height = Math.max(Math.round(size.height * scale), 1);
  const context = target.getContext('2d');
  context.drawImage(support.image, 0, 0, target.width, target.height);
  const object = colourOf(Math.max(classNames().indexOf(support.name.trim()), 0));
  context.globalAlpha = 0.55;
  context.drawImage(maskOf(size, strokes, { object, background: 'rgb(70,70,70)' }, scale), 0, 0);
  context.globalAlpha = 1;
  context.fillStyle = context.strokeStyle = object;
  context.lineWidth = 2;
  const at = ([x, y]) => [x * scale, y * scale];
  if (open) {
    context.beginPath();
    open.forEach((point) => context.lineTo(...at(point)));
    context.stroke();
  }
  const polygons = handles ? strokes.filter(({ tool }) => tool === 'polygon').map(({ points }) => points) : [];
  [...polygons, open || []].flat().map(at).forEach(([x, y]) => {
    context.fillStyle = 'white';
    context.fillRect(x - 4, y - 4, 8, 8);
    context.fillStyle = object;
    context.fillRect(x - 3, y - 3, 6, 6);
  });
}

// Stroke that marks what a label map (an image in the classes' colours) shows in one colour.
export function maskStroke(labels, [red, green, blue]) {
  const { width, height } = sizeOf(labels);
  const picture = element('canvas', { width, height });
  const context = picture.getContext('2d');
  context.drawImage(labels, 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let i = 0; i < data.length; i += 4) {
    const same = data[i] === red && data[i + 1] === green && data[i + 2] === blue;
    data[i + 3] = same ? 255 : 0;
  }
  context.putImageData(pixels, 0, 0);
  return { tool: 'mask', width: 1, points: [], picture };
}

// Strokes as plain values, and back.

export function plainStroke({ tool, width, points, picture }) {
  return picture ? { tool, url: picture.toDataURL('image/png') } : { tool, width, points };
}

export async function strokeOf(plain, where) {
  const { tool, width = 1, points = [], url } = plain;
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const drawn = Array.isArray(points) && points.length > 0 && points.every(isPoint) && width > 0;
  const pictured = tool === 'mask' || (tool === 'background' && url !== undefined);
  if (!TOOLS.includes(tool) || !(pictured ? /^data:image\/png;/.test(url) : drawn)) {
    throw new Error(`${where} has a stroke that is none`);
  }
  if (!pictured) return { tool, width, points };
  const image = await loadImage(url, `a mask of ${where}`);
  const picture = element('canvas', sizeOf(image));
  picture.getContext('2d').drawImage(image, 0, 0);
  return { tool, width, points, picture };
}
