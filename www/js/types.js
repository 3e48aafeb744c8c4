// SPDX-License-Identifier: Apache-2.0
// The shapes that the station's REST answers have, for the type checker and for readers. No code.

/**
 * @typedef {{name: string, displayName: string, doc?: string, ordinal?: number}} Tag
 * @typedef {{units?: string, min?: number, max?: number, precision?: number, range?: Tag[], trueText?: string, falseText?: string,
 *   multiLine?: boolean, format?: boolean, form?: string, names?: string, maxLength?: number}} Facets
 * @typedef {{name: string, displayName: string, kind: string, element?: string, default?: any, flags: string[], facets: Facets,
 *   members?: Slot[], type?: string, doc: string, dynamic?: boolean, own?: boolean}} Slot
 * @typedef {{name: string, displayName: string, flags: string[], doc: string, arg?: Slot}} Action
 * @typedef {{name: string, doc: string, base?: string, abstract: boolean, container: boolean, singleton: boolean, slots: Slot[],
 *   actions: Action[], topics: Tag[]}} Type
 * @typedef {{name: string, displayName: string, type: string, status: string, hasChildren: boolean, handle: string,
 *   frozen?: boolean, slots?: any[], values?: Record<string, any>}} Child
 * @typedef {{ord: string, handle: string, name: string, path: string, displayName: string, type: string, status: string,
 *   revision: number, frozen: boolean, values: Record<string, any>, slots: any[], categories?: string[], categoriesFrom?: string, actions: string[], children: Child[], childCount: number, hasChildren: boolean, linked?: string[]}} Component
 * @typedef {{pointer: string, detail: string}} Finding
 * @typedef {{uuid: string, timestamp: string, sourceState: string, ackState: string, ackRequired: boolean, cleared: boolean, source: string[],
 *   alarmClass: string, priority: number, normalTime: string|null, shelvedUntil: string|null, ackTime: string|null, user: string, alarmData: Record<string, any>,
 *   alarmTransition: string, lastUpdate: string, msgText: string, notes: {time: string, user: string, text: string}[],
 *   deliveries: any[], trace: any[]}} Alarm
 * @typedef {{address: string, name: string, field: string, recipient: string, state: string, attempts: number, nextAttempt: string|null, waitsFor?: string,
 *   replyCode: number, enhancedStatus: string, replyText: string, queueId: string, tlsVersion: string, cipher: string,
 *   fingerprint: string, time: string}} Delivery
 * @typedef {{id: string, account: string, firstAccount: string, digest: string, kind: string, state: string, created: string, subject: string, from: string, messageId: string,
 *   alarm: string, security?: string, deliveries: Delivery[], body?: string, attempts?: any[]}} Mail
 * @typedef {{sequence: number, account: string, time: string, from: string, subject: string, outcome: string, reason: string, alarm: string,
 *   mail: string, disposition: string}} Incoming
 * @typedef {{user: {name: string, fullName: string, role: string, email: string}, permissions: {read: boolean, operate: boolean,
 *   configure: boolean}, csrf: string, station: {id: string, name: string, version: string}}} Session
 * @typedef {{path: string, rest: string, query: URLSearchParams, session: Session, root: HTMLElement}} Context
 * @typedef {{title: string, leave?: () => void, dirty?: () => boolean, component?: string}} View
 */
export {};
