// What the page knows; its modules share this one object.

export const state = {
  supports: [], // {file, name, negative, url, image, history, card, ...}, see supports.js
  queries: [], // {file, stem, url, result, card, ...}, see results.js
  chosen: null, // the support in the editor
  colours: [], // RGB of each class, from the server
  maxPixels: Infinity, // of an image, from the server
  takesNegatives: false, // whether the model learns from images that show no class
  unsaved: false, // whether there is work that must not be wiped out unasked
};

export function classNames() {
  const shown = state.supports.filter((support) => !support.negative);
  return [...new Set(shown.map((support) => support.name.trim()))];
}

export function colourOf(way) {
  return `rgb(${state.colours[way % state.colours.length]})`;
}

// The states of a drawing, one after the other: undoing is going back.
export class History {
  constructor(first) {
    this.steps = [first];
    this.at = 0;
  }

  get now() {
    return this.steps[this.at];
  }

  commit(step) {
    this.steps = [...this.steps.slice(0, this.at + 1), step];
    this.at += 1;
    state.unsaved = true;
  }

  undo() {
    this.at = Math.max(this.at - 1, 0);
  }

  redo() {
    this.at = Math.min(this.at + 1, this.steps.length - 1);
  }
}
