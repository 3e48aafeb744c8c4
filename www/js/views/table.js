// SPDX-License-Identifier: Apache-2.0
// The views that components have: one row each. A view stands as a tab on every component that its row fits, at the address
// ?view=ID. To add one: write views/NAME.js with a function that gives a Panel, and a row here.
import { t } from '../i18n.js';
import { typeIs } from '../api.js';
import { slotsOf } from '../el/slots-of.js';
/** @typedef {import('../types.js').Component} Component */
/** @typedef {import('../types.js').Type} Type */
/** @typedef {import('../types.js').Context} Context */
/**
 * @typedef {{component: Component, etag: string|null, type: Type|undefined, types: Map<string, Type>, context: Context,
 *   options: {go: (url: string, options?: any) => void, changed: () => void, page: () => void}}} Subject
 *   what a view is of; changed: the tree is to be read again, page: other components are shown now
 * @typedef {{element: HTMLElement, live?: (kind: string, data: any) => void, follow?: (component: Component, etag: string|null) => void,
 *   dirty?: () => boolean, leave?: () => void, watched?: () => string[]}} Panel
 *   a tab's inside; live: every event, follow: the component has changed, watched: handles whose values it shows
 * @typedef {{id: string, name: (s: Subject) => string, fits: (s: Subject) => boolean, first?: (s: Subject) => boolean,
 *   number?: (s: Subject) => number, open: (s: Subject) => Promise<Panel>}} ViewRow
 */

/** @param {Subject} s @param {string} base @returns {boolean} */
const is = (s, base) => typeIs(s.types, s.component.type, base);

/** @param {Subject} s @returns {boolean} something to show on a sheet */
const hasSlots = (s) => slotsOf(s.type, s.component).some((slot) => !slot.flags.includes('hidden'));

/** @param {Subject} s @returns {boolean} children that are no slots */
const hasOwn = (s) => s.component.hasChildren && (s.component.children || []).some((c) => !s.type?.slots.some((slot) => slot.kind === 'component' && slot.name === c.name));

/** @param {Subject} s @returns {boolean} a folder or a service: what is below it matters most */
const isPlace = (s) => Boolean(s.type?.container) && !is(s, 'control:ControlPoint');

/** @param {Subject} s @returns {boolean} */
const isSchedule = (s) => s.component.type.startsWith('schedule:') && is(s, 'control:ControlPoint');

/** @param {Subject} s @returns {boolean} it logs in, or is a login, with tokens of an authorization server */
const hasOauth = (s) => [s.component, ...(s.component.children || []).filter((c) => c.name === 'emailAuthenticator')].some((c) => typeIs(s.types, c.type, 'email:OAuthEmailClientAuthenticator'));

/** @type {ViewRow[]} */
export const VIEWS = [
  { id: 'sheet', name: () => t('Properties'), fits: hasSlots, open: async (s) => (await import('./sheet.js')).sheetPanel(s) },
  { id: 'accounts', name: () => t('Email Account Manager'), first: () => true, fits: (s) => is(s, 'email:EmailService'), open: async (s) => (await import('./account-manager.js')).accountManagerPanel(s) },
  { id: 'components', name: (s) => (is(s, 'control:ControlPoint') ? t('Extensions') : t('Components')), first: isPlace, number: (s) => s.component.childCount,
    fits: (s) => Boolean(s.type?.container) || hasOwn(s), open: async (s) => (await import('./children.js')).childrenPanel(s) },
  { id: 'schedule', name: (s) => (is(s, 'schedule:CalendarSchedule') ? t('Calendar') : t('Schedule')), first: () => true, fits: isSchedule, open: async (s) => (await import('./schedule.js')).schedulePanel(s) },
  { id: 'queue', name: () => t('Queue'), number: (s) => s.component.values.queueSize, fits: (s) => is(s, 'email:OutgoingAccount'), open: async (s) => (await import('./account.js')).queuePanel(s) },
  { id: 'received', name: () => t('Received'), fits: (s) => is(s, 'email:IncomingAccount'), open: async (s) => (await import('./incoming.js')).receivedPanel(s) },
  { id: 'preview', name: () => t('Preview'), fits: (s) => is(s, 'email:EmailRecipient') && s.context.session.permissions.operate, open: async (s) => (await import('./preview.js')).previewPanel(s) },
  { id: 'transcript', name: () => t('Transcript'), fits: (s) => is(s, 'email:EmailAccount') && s.context.session.permissions.configure, open: async (s) => (await import('./account.js')).transcriptPanel(s) },
  { id: 'doctor', name: () => t('Doctor'), fits: (s) => is(s, 'email:EmailAccount') && s.component.values.transport !== 'Maildir' && s.context.session.permissions.configure, open: async (s) => (await import('./doctor.js')).doctorPanel(s) },
  { id: 'reachability', name: () => t('Reachability'), fits: (s) => is(s, 'email:EmailService'), open: async () => (await import('./reachability.js')).reachabilityPanel() },
  { id: 'authorization', name: () => t('Authorization'), fits: hasOauth, open: async (s) => (await import('./oauth.js')).oauthPanel(s) },
  { id: 'history', name: () => t('History'), fits: (s) => is(s, 'history:HistoryExt') || (s.component.children || []).some((c) => typeIs(s.types, c.type, 'history:HistoryExt')),
    open: async (s) => (await import('./histories.js')).historyPanel(s) },
  { id: 'wiresheet', name: () => t('Wire sheet'), fits: (s) => Boolean(s.type?.container) && (hasOwn(s) || s.context.session.permissions.configure), open: async (s) => (await import('./wiresheet.js')).wiresheetPanel(s) },
  { id: 'links', name: () => t('Links'), fits: (s) => s.component.path !== '/', open: async (s) => (await import('./links.js')).linksPanel(s) },
  { id: 'slots', name: () => t('Slots'), fits: (s) => s.context.session.permissions.configure, open: async (s) => (await import('./slots.js')).slotsPanel(s) },
];

/** The views of a component, the one to open first in front. @param {Subject} subject @returns {ViewRow[]} */
export function viewsOf(subject) {
  const rows = VIEWS.filter((row) => row.fits(subject));
  return [...rows.filter((row) => row.first?.(subject)), ...rows.filter((row) => !row.first?.(subject))];
}
