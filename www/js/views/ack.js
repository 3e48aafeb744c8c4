// SPDX-License-Identifier: Apache-2.0
// The page behind the link in an alarm mail: shows the alarm, and acknowledges when the button is pressed. Opening it does
// nothing, so that whatever follows links in mails does no harm. The token stands behind the # and is sent in a body only.
import { h, fill, facts } from '../dom.js';
import { t } from '../i18n.js';
import { get, post, useSession, Problem } from '../api.js';
import { spaced, timeText } from '../format.js';

/** @param {HTMLElement} app @param {any[]} content @returns {void} */
function page(app, content) {
  fill(app, h('main', { class: 'gate', id: 'main' }, h('form', { onsubmit: (/** @type {Event} */ e) => e.preventDefault() },
    h('div', { class: 'brand' }, h('img', { src: '/icons/belfry.svg', alt: '' }), h('div', {}, h('h1', {}, t('Alarm')), h('p', {}, location.host))), content)));
}

/** Acknowledges: by the token alone where that is enough, else as who is logged in. @param {string} token @param {any} alarm */
async function acknowledge(token, alarm) {
  if (!alarm.loginNeeded) {
    await post('/ack', { token });
    return;
  }
  useSession((await get('/session')).csrf, () => location.reload());
  const { results } = await post('/alarms/ack', { uuids: [alarm.uuid] });
  if (!results[0].ok) throw new Error(results[0].detail);
}

/** @param {HTMLElement} app @param {string} token @returns {Promise<void>} */
export async function ackView(app, token) {
  document.title = t('Acknowledge · Belfry');
  addEventListener('hashchange', () => location.reload()); /* another mail's link, in the same tab: it is about another alarm */
  let alarm;
  try {
    alarm = await post('/ack/look', { token });
  } catch (error) {
    page(app, [h('p', { role: 'alert' }, error instanceof Error ? error.message : String(error)), h('p', {}, h('a', { href: '/alarms' }, t('Open the alarm console')))]);
    return;
  }
  const problem = h('p', { class: 'error', role: 'alert' });
  const open = h('p', {}, h('a', { href: `/alarms/${alarm.uuid}` }, t('Open this alarm')));
  const press = async () => {
    button.disabled = true;
    try {
      await acknowledge(token, alarm);
      page(app, [h('p', { role: 'status' }, t('The alarm of {source} is acknowledged.', { source: alarm.source })), open]);
    } catch (error) {
      const login = error instanceof Problem && error.status === 401;
      problem.textContent = login ? t('Log in first: open this alarm below, log in, and acknowledge it there.') : error instanceof Error ? error.message : String(error);
      button.disabled = false;
    }
  };
  const button = h('button', { type: 'button', class: 'primary', onclick: press }, t('Acknowledge'));
  page(app, [facts([[t('Source'), alarm.source], [t('State'), spaced(alarm.sourceState)], [t('Since'), timeText(alarm.timestamp)], [t('Message'), alarm.text || '–']]), problem, button, open]);
}
