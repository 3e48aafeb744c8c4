/* SPDX-License-Identifier: Apache-2.0
 * The envelope of a message as commands: MAIL and RCPT with the parameters that the server has offered, and what it
 * cannot take at all. SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461, 6533). Pure. */
#ifndef BELFRY_EMAIL_SMTP_ENVELOPE_H
#define BELFRY_EMAIL_SMTP_ENVELOPE_H

#include "services/email/wire/smtp.h"

/* RFC 3461 10.1: an ORCPT of 500 bytes beside the address; all that we write fits. */
enum { SMTP_ENVELOPE_MAX = 2400 };

/* Refuses, here and now, the recipients that this server cannot serve: their outcome, code and sentence are set. */
void smtp_refuse_impossible(struct smtp_message *m, const struct smtp_capabilities *can);
/* The command lines, without their end; return buf. */
const char *smtp_mail_line(char buf[SMTP_ENVELOPE_MAX], const struct smtp_message *m,
                           const struct smtp_capabilities *can);
const char *smtp_rcpt_line(char buf[SMTP_ENVELOPE_MAX], const char *address, const struct smtp_capabilities *can);

#endif
