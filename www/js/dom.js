// SPDX-License-Identifier: Apache-2.0
// Making elements. Text always becomes a text node: nothing that a device, a mail or a certificate says can become markup.

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes] on…: listeners; class, for, aria-…, data-…: attributes; value, checked, disabled: properties
 * @param {...(Node|string|number|null|undefined|false|Array<any>)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (['value', 'checked', 'disabled', 'selected', 'open', 'indeterminate'].includes(name)) element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** @param {Node} parent @param {any} child */
function append(parent, child) {
  if (Array.isArray(child)) child.forEach((c) => append(parent, c));
  else if (child instanceof Node) parent.appendChild(child);
  else if (child !== null && child !== undefined && child !== false) parent.appendChild(document.createTextNode(String(child)));
}

/** Replaces all children. @param {Element} parent @param {...any} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

let counter = 0;
/** A fresh id for labels. @param {string} prefix */
export function uid(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Says something without taking the focus. @param {string} text @param {boolean} [bad] */
export function toast(text, bad = false) {
  const element = h('p', { class: bad ? 'toast bad' : 'toast' }, text);
  document.getElementById('toasts')?.append(element);
  setTimeout(() => element.remove(), bad ? 9000 : 5000);
}

/**
 * A modal dialog. content gets a function that closes it with a result; null is Cancel.
 * @template R
 * @param {string} title
 * @param {(close: (result: R|null) => void) => any[]} content
 * @param {{ok?: string, danger?: boolean, submit?: () => (R|null|Promise<R|null>)}} [options]
 * @returns {Promise<R|null>}
 */
export function ask(title, content, options = {}) {
  return new Promise((resolve) => {
    const id = uid('dialog');
    const problem = h('p', { class: 'error', role: 'alert' });
    const close = (result) => { dialog.close(); dialog.remove(); resolve(result); };
    const submit = async (event) => {
      event.preventDefault();
      problem.textContent = '';
      try {
        const result = options.submit ? await options.submit() : true;
        if (result !== null && result !== undefined) close(/** @type {any} */ (result));
      } catch (error) {
        problem.textContent = /** @type {Error} */ (error).message;
      }
    };
    const dialog = h('dialog', { 'aria-labelledby': id, oncancel: (event) => { event.preventDefault(); close(null); } },
      h('form', { onsubmit: submit },
        h('h2', { id }, title), content(close), problem,
        h('footer', {}, h('button', { type: 'button', onclick: () => close(null) }, options.submit ? 'Cancel' : 'Close'),
          options.submit && h('button', { class: options.danger ? 'danger' : 'primary' }, options.ok || 'OK'))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** @param {string} title @param {string} text @param {string} ok */
export function confirmDialog(title, text, ok) {
  return ask(title, () => [h('p', {}, text)], { ok, danger: true, submit: () => true });
}

/** A labelled input for dialogs. @param {string} label @param {any} input @param {string} [help] */
export function labelled(label, input, help) {
  const id = uid('field');
  input.id = id;
  if (help) input.setAttribute('aria-describedby', `${id}-help`);
  return h('div', {}, h('label', { for: id }, label), input, help && h('p', { class: 'sub', id: `${id}-help` }, help));
}
