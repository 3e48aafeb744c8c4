// SPDX-License-Identifier: Apache-2.0
// What an outgoing mail account shows below its sheet: its ledger and the transcript of its dialogue.
import { h, fill } from '../dom.js';
import { get } from '../api.js';
import { mailTable } from './mail.js';

/** @param {any} line */
function transcriptLine(line) {
  const arrow = { sent: '→', received: '←', note: '·' }[line.direction];
  return h('p', { 'data-direction': line.direction }, `${new Date(line.time).toLocaleTimeString()} ${arrow} ${line.text}`);
}

/** @param {any} account the component @param {any} session */
export function accountPanels(account, session) {
  const ledger = h('div', { class: 'scroll' });
  const transcript = h('div', { class: 'transcript', tabindex: '0', role: 'log', 'aria-label': 'Transcript' });
  const load = async () => {
    const { items } = await get(`/mail?account=${encodeURIComponent(account.name)}&limit=20`);
    fill(ledger, mailTable(items, 'No mail has gone through this account yet. Send a test mail with the button above.'));
  };
  const loadTranscript = async () => {
    if (!session.permissions.configure) return;
    const { items } = await get(`/mail/transcript?account=${encodeURIComponent(account.name)}`);
    fill(transcript, items.length ? items.map(transcriptLine) : h('p', {}, 'Nothing yet. Switch Debug on to see the whole dialogue; passwords are never in it.'));
    transcript.scrollTop = transcript.scrollHeight;
  };
  load().catch(() => {});
  loadTranscript().catch(() => {});
  let timer = 0;
  const element = h('div', {},
    h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Queue and ledger')), ledger),
    session.permissions.configure && h('section', { class: 'card' }, h('header', {}, h('h2', {}, 'Transcript')), transcript));
  return {
    element,
    /** @param {string} kind @param {any} data */
    live(kind, data) {
      if (kind === 'mail' && data.account === account.name) { clearTimeout(timer); timer = setTimeout(() => load().catch(() => {}), 150); }
      if (kind === 'transcript' && data.account === account.name) {
        if (!transcript.querySelector('[data-direction]')) fill(transcript);
        const end = transcript.scrollTop + transcript.clientHeight >= transcript.scrollHeight - 8;
        transcript.append(transcriptLine(data));
        while (transcript.childElementCount > 500) transcript.firstElementChild?.remove();
        if (end) transcript.scrollTop = transcript.scrollHeight;
      }
    },
    leave() { clearTimeout(timer); },
  };
}
