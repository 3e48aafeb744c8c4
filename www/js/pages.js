// SPDX-License-Identifier: Apache-2.0
// The pages: one row for each address below /. Those with an icon stand in the bar. To add one: write views/NAME.js with a
// function that fills context.root and gives a View, and a row here.
import { t } from './i18n.js';
/** @typedef {import('./types.js').Context} Context */
/** @typedef {import('./types.js').View} View */
/** @typedef {{base: string, name: string, icon?: string, open: (context: Context, shell: import('./shell.js').Shell) => Promise<View>}} Page */

/** The first one is where unknown addresses lead. @type {Page[]} */
export const PAGES = [
  { base: '/overview', name: t('Overview'), icon: 'home', open: async (c) => (await import('./views/overview.js')).overviewView(c) },
  { base: '/station', name: t('Station'), icon: 'folder', open: async (c, shell) => (await import('./views/component.js')).componentView(c, shell) },
  { base: '/alarms', name: t('Alarms'), icon: 'bell', open: async (c, shell) => (await import('./views/alarms.js')).alarmsView(c, shell) },
  { base: '/mail', name: t('Mail'), icon: 'mail', open: async (c, shell) => (await import('./views/mail.js')).mailView(c, shell) },
  { base: '/histories', name: t('Histories'), icon: 'chart', open: async (c) => (await import('./views/histories.js')).historiesView(c) },
  { base: '/configuration', name: t('Configuration'), icon: 'sliders', open: async (c) => (await import('./views/config.js')).configView(c) },
  { base: '/search', name: t('Search'), icon: 'search', open: async (c) => (await import('./views/search.js')).searchView(c) },
  { base: '/certificates', name: t('Certificates'), icon: 'shield', open: async (c) => (await import('./views/certificates.js')).certificatesView(c) },
  { base: '/oauth/callback', name: t('Authorization'), open: async (c) => (await import('./views/oauth.js')).callbackView(c) },
];
