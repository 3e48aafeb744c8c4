// SPDX-License-Identifier: Apache-2.0
// The little of IMAP that a test needs to read a mailbox.

import { connect } from 'node:net';
import { PATIENCE, within } from './wait.mjs';

const quote = (text) => `{${Buffer.byteLength(text)}+}\r\n${text}`;

export class Imap {
  static async connect(port) {
    const imap = new Imap(connect(port, '127.0.0.1'));
    await imap.answer(/^\* OK.*\r\n/);
    return imap;
  }

  constructor(socket) {
    this.socket = socket;
    this.buffer = Buffer.alloc(0);
    this.tag = 0;
    this.waiting = () => {};
    socket.on('data', (data) => { this.buffer = Buffer.concat([this.buffer, data]); this.waiting(); });
    socket.on('error', (error) => { this.error = error; this.waiting(); });
    socket.on('close', () => { this.error ??= new Error('the IMAP server closed the connection'); this.waiting(); });
  }

  /** Waits until all that has come, read as Latin-1, matches; returns it as a Buffer. */
  answer(pattern) {
    return within(PATIENCE, new Promise((resolve, reject) => {
      this.waiting = () => {
        if (pattern.test(this.buffer.toString('latin1'))) {
          resolve(this.buffer);
          this.buffer = Buffer.alloc(0);
        } else if (this.error) {
          reject(this.error);
        }
      };
      this.waiting();
    }), 'an answer of the IMAP server');
  }

  async command(text) {
    const tag = `a${++this.tag}`;
    this.socket.write(`${tag} ${text}\r\n`);
    const answer = await this.answer(new RegExp(`(^|\\r\\n)${tag} (OK|NO|BAD).*\\r\\n$`));
    if (!answer.toString('latin1').includes(`${tag} OK`)) throw new Error(`IMAP ${text}: ${answer}`);
    return answer;
  }

  login(user, password) {
    return this.command(`LOGIN ${user} ${quote(password)}`);
  }

  /** Every message of a mailbox as it lies there. */
  async fetchAll(mailbox) {
    const selected = await this.command(`SELECT ${mailbox}`);
    if (/\* 0 EXISTS/.test(selected.toString('latin1'))) return [];
    const answer = await this.command('FETCH 1:* BODY.PEEK[]');
    const messages = [];
    for (let at = 0; ;) {
      const match = answer.toString('latin1', at).match(/BODY\[\] \{(\d+)\}\r\n/);
      if (!match) return messages;
      const start = at + match.index + match[0].length;
      at = start + Number(match[1]);
      messages.push(answer.subarray(start, at));
    }
  }

  close() {
    this.socket.destroy();
  }
}
