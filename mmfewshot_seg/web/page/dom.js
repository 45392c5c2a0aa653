// Small helpers: elements, messages, files.

import { state } from './state.js';

const SENT = ['image/jpeg', 'image/png', 'image/webp', 'image/bmp']; // what the server decodes

export const $ = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function button(text, title, step, className = '') {
  const made = element('button', { type: 'button', textContent: text, title, className });
  made.addEventListener('click', step);
  return made;
}

export function say(text, isError = false) {
  $('message').textContent = text;
  $('message').classList.toggle('error', isError);
}

// Runs a step with the buttons locked that begin others; tells what goes wrong.
export async function attempt(step) {
  const buttons = document.querySelectorAll('.begins, #examples button');
  buttons.forEach((one) => { one.disabled = true; });
  try {
    await step();
  } catch (error) {
    say(error.message, true);
  } finally {
    buttons.forEach((one) => { one.disabled = false; });
  }
}

export async function ask(path, content, signal) {
  let response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(content),
      signal,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The server does not answer: does it still run?');
  }
  const answer = await response.json().catch(() => ({ error: `the server says ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

export function readUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new Error(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
}

export function loadImage(url, name) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(`${name} is not an image that this browser shows`));
    image.src = url;
  });
}

// An image the server can take: {url, image}. Others that the browser shows are sent as PNG.
export async function usableImage(url, name) {
  const image = await loadImage(url, name);
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!width || !height) throw new Error(`${name} has no size`);
  if (width * height > state.maxPixels) {
    throw new Error(`${name} has ${width} x ${height} pixels, more than ${state.maxPixels / 1e6} million: make it smaller`);
  }
  if (SENT.some((kind) => url.startsWith(`data:${kind};`))) return { url, image };
  const canvas = element('canvas', { width, height });
  canvas.getContext('2d').drawImage(image, 0, 0, width, height);
  const png = canvas.toDataURL('image/png');
  return { url: png, image: await loadImage(png, name) };
}

// Adds files one by one; gives what is wrong with those that cannot be added, and stop no other.
export async function addEach(files, add) {
  const failed = [];
  for (const [i, file] of files.entries()) {
    say(`Reading ${i + 1} of ${files.length}…`);
    try {
      await add(file);
    } catch (error) {
      failed.push(error.message);
    }
  }
  return failed;
}

export async function addFiles(files, add) {
  const failed = await addEach(files, add);
  if (failed.length) say(`Left out ${failed.length} of ${files.length}: ${failed.join('; ')}.`, true);
  else say(`Added ${files.length} file${files.length === 1 ? '' : 's'}.`);
}

export function offer(blob, name) {
  const link = element('a', { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
